"""What algorithms declare to hold, against what their generators hold, over all of them.

A run is watched for when each array is there: from when it is named or arrives to its last use. An operation's operands
and results are there together while it goes on. A broadcast arrives in the array that was named for it, and parts of a
gradient lie where the whole does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from typing import Any

import pytest

from simulator.algorithms.holdings import Holdings, Situation
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import Program, bundled_algorithms
from simulator.algorithms.vocabulary import (
    Apply,
    Array,
    Backward,
    Collective,
    Forward,
    Gradient,
    Join,
    Operation,
    Send,
    Spawn,
    Start,
    Transform,
)
from simulator.scenario import Scenario
from simulator.simulation import Simulation

#: Ends with an exchange of every algorithm that has them from time to time.
STEPS = 4
LONG_PERIODS = {"diloco": {"period": 2}, "local-sgd": {"period": 2}, "chip-partition": {"data_copies": False}}
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("async-easgd", {"period": 2}),
    ("diloco", {"period": 2, "inner": "sgd"}),
    ("topk-sgd", {"fraction": 0.3}),
    ("power-sgd", {"rank": 200}),
    ("original-easgd", {"overlap": False}),
    ("ddp-msgd", {"bucket_bytes": 100_000, "first_bucket_bytes": 1}),
    ("sync-ps", {"overlap": False}),
]

Steps = Generator[Operation, Any, Any]


class Lifetimes:
    """First and last tick at which each array is there, and so how much is there at most."""

    def __init__(self) -> None:
        self.clock = 0
        self.arrays: dict[int, Array] = {}
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.instead: dict[int, int] = {}

    def tick(self) -> int:
        """The next moment."""
        self.clock += 1
        return self.clock

    def seen(self, array: Any, since: int) -> None:
        """An array is there since then, or has been named before."""
        if isinstance(array, Array):
            self.arrays.setdefault(id(array), array)
            self.first.setdefault(id(array), since)

    def used(self, *arrays: Any) -> None:
        """Arrays are used now."""
        for array in arrays:
            if isinstance(array, Array):
                self.seen(array, self.clock)
                self.last[self.instead.get(id(array), id(array))] = self.clock

    def arrived(self, operation: Operation, result: Any, since: int) -> None:
        """An operation that began then has ended now."""
        self.used(*operands(operation))
        if isinstance(operation, Collective) and operation.kind == "broadcast" and isinstance(result, Array):
            self.arrays[id(result)] = result
            self.instead[id(result)] = id(operation.array)
            return
        for array in result if isinstance(result, tuple | list) else (result,):
            self.seen(array, since)
            self.used(array)

    def most(self) -> int:
        """Bytes at the moment at which they are most."""
        changes: dict[int, int] = defaultdict(int)
        for key, last in self.last.items():
            size = self.arrays[key].elements * self.arrays[key].element_size
            changes[self.first[key]] += size
            changes[last + 1] -= size
        held = most = 0
        for moment in sorted(changes):
            held += changes[moment]
            most = max(most, held)
        return most


def operands(operation: Operation) -> tuple[Array | None, ...]:
    """The arrays that an operation reads."""
    match operation:
        case Gradient() | Forward():
            return (operation.weights,)
        case Backward():
            return (operation.activations.weights,)
        case Apply() | Transform():
            return operation.arrays
        case Send() | Collective():
            return (operation.array,)
        case _:
            return ()


def followed(steps: Steps, rank: Rank, lifetimes: Lifetimes) -> Steps:
    """The same generator, watched."""
    started: dict[int, tuple[Any, Operation, int]] = {}
    value: Any = None
    while True:
        try:
            operation = steps.send(value)
        except StopIteration:
            return
        since = lifetimes.tick()
        for array in rank.arrays.values():
            lifetimes.seen(array, since)
        if isinstance(operation, Spawn):
            value = yield Spawn(followed(operation.thread, rank, lifetimes))
        elif isinstance(operation, Start):
            lifetimes.used(*operands(operation.operation))
            value = yield operation
            started[id(value)] = (value, operation.operation, since)
        elif isinstance(operation, Join):
            value = yield operation
            lifetimes.tick()
            for handle, result in zip(operation.handles, value, strict=True):
                if id(handle) in started:
                    _, inner, begun = started[id(handle)]
                    lifetimes.arrived(inner, result, begun)
        else:
            lifetimes.used(*operands(operation))
            value = yield operation
            lifetimes.tick()
            lifetimes.arrived(operation, value, since)


class Watched(Simulation):
    """A simulation that keeps the lifetimes of what each worker holds, and of what the master's threads hold."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.lifetimes: dict[int, Lifetimes] = defaultdict(Lifetimes)

    def program(self, rank: int) -> Program:
        """What that rank runs, watched."""
        program, place = super().program(rank), min(rank, len(self.workers))
        return lambda own: followed(program(own), own, self.lifetimes[place])


def watched(name: str, workers: int, options: dict[str, Any], learning: bool = False) -> Watched:
    """A run of an algorithm on a small network, over."""
    tables: dict[str, Any] = {
        "cluster": {"system": "dgx1-p100", "workers": workers},
        "workload": {"network": "lenet", "dataset": "mnist", "batch_size": 8, "steps": STEPS},
        "algorithm": {"name": name, **options},
        "simulation": {"exact": True},
    }
    if learning:
        tables["workload"] |= {"network": "learner", "dataset": "learner"}
        tables["learning"] = {"model": "softmax", "evaluate_every": 1000}
    simulation = Watched(Scenario.from_dict(tables))
    simulation.run()
    return simulation


def declared(simulation: Watched) -> tuple[float, float]:
    """Bytes that the algorithm says that a worker and its master hold."""
    layout = tuple(elements for _, elements in simulation.network.parameter_layout())
    situation = Situation(len(simulation.workers), layout, simulation.element_size, simulation.options)
    unit = simulation.network.parameter_bytes(simulation.element_size)
    master = simulation.algorithm.master_holdings(situation)
    return simulation.algorithm.holdings(situation).total * unit, (master.total if master else 0.0) * unit


def check(simulation: Watched) -> None:
    workers = len(simulation.workers)
    worker, master = declared(simulation)
    assert max(simulation.lifetimes[rank].most() for rank in range(workers)) == pytest.approx(worker)
    assert simulation.lifetimes[workers].most() == pytest.approx(master)


@pytest.mark.parametrize("workers", [1, 4, 5])
@pytest.mark.parametrize("name", sorted(bundled_algorithms()))
def test_an_algorithm_holds_what_it_declares(name: str, workers: int):
    check(watched(name, workers, LONG_PERIODS.get(name, {})))


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=lambda value: str(value))
def test_options_change_what_is_held_as_declared(name: str, options: dict[str, Any]):
    check(watched(name, 4, options))


@pytest.mark.parametrize("name", ["sync-sgd", "async-measgd", "sync-easgd3", "8bit-sgd", "ddp-msgd"])
def test_what_learns_holds_so_many_numbers(name: str):
    simulation = watched(name, 4, {}, learning=True)
    check(simulation)
    lifetimes = simulation.lifetimes[0]
    numbers = {key: array.value for key, array in lifetimes.arrays.items() if key in lifetimes.last}
    whole = [value for key, value in numbers.items() if lifetimes.arrays[key].layout == simulation.task(1).layout]
    assert whole
    assert all(len(value) == simulation.network.parameters for value in whole)


def test_pushed_shares_and_several_buckets_stay_within_what_is_declared():
    simulation = watched("sync-ps", 8, {"group": 4, "bucket_bytes": 100_000})
    worker, master = declared(simulation)
    assert max(simulation.lifetimes[rank].most() for rank in range(8)) <= worker
    assert simulation.lifetimes[8].most() <= master


def test_sizes_are_counted_in_copies_of_the_parameters():
    situation = Situation(workers=2, layout=(30, 10), element_size=4, options={})
    assert situation.copies(20) == 0.5
    assert situation.copies(40, element_size=1) == 0.25
    assert Holdings(optimizer=2.0, copies=1.0, messages=0.5).total == 5.5
