"""Rates kept up to date are those of the whole problem solved at once, whatever changed, in Python and compiled."""

from math import inf
from random import Random

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.network.fair_shares import PlainFairShares, compiled_version, fair_shares
from simulator.network.fluid import FluidNetwork
from simulator.network.max_min import max_min_rates
from simulator.platform.links import Link, Route

needs_compiler = pytest.mark.skipif(compiled_version() is None, reason="clustersim_native is not built here")
#: Of incremental and compiled.
WAYS = [
    pytest.param(True, False, id="incremental"),
    pytest.param(True, True, id="incremental-compiled", marks=needs_compiler),
    pytest.param(False, True, id="whole-compiled", marks=needs_compiler),
]


class Model:
    """A plain account of who uses what, beside implementations that are told of each change."""

    def __init__(self, random: Random, shares) -> None:
        self.random = random
        self.shares = shares
        self.capacities = [random.choice([1.0, 2.0, 10.0, random.uniform(0.5, 20.0)]) for _ in range(8)]
        self.groups: dict[int, tuple[list[int], float, int]] = {}
        for capacity in self.capacities:
            assert len({each.add_resource(capacity) for each in shares}) == 1

    def _drawn(self) -> tuple[list[int], float]:
        cap = self.random.choice([inf, inf, 0.25, 1.0, self.random.uniform(0.01, 3.0)])
        return self.random.sample(range(8), self.random.randint(1, 3)), cap

    def change(self) -> None:
        kind = self.random.choice(["add", "add", "grow", "shrink", "remove", "move", "capacity"])
        if kind == "add" or not self.groups:
            resources, cap = self._drawn()
            (group,) = {each.add_group(resources, cap, 0.0, 0.0) for each in self.shares}
            self.groups[group] = (resources, cap, 0)
            self._set(group, self.random.randint(1, 4))
        elif kind == "capacity":
            resource = self.random.randrange(8)
            self.capacities[resource] *= self.random.choice([0.5, 0.9, 2.0])
            for each in self.shares:
                each.set_capacity(resource, self.capacities[resource])
        else:
            group = self.random.choice(list(self.groups))
            resources, cap, count = self.groups[group]
            if kind == "remove" or (kind == "shrink" and count == 1):
                del self.groups[group]
                for each in self.shares:
                    each.remove_group(group)
            elif kind == "move":
                self.groups[group] = (*self._drawn(), count)
                for each in self.shares:
                    each.move_group(group, *self.groups[group][:2])
            else:
                self._set(group, count + (1 if kind == "grow" else -1))

    def _set(self, group: int, count: int) -> None:
        self.groups[group] = (*self.groups[group][:2], count)
        for each in self.shares:
            each.set_members(group, count, 1e6)

    def expected(self) -> list[float]:
        parts = self.groups.values()
        return max_min_rates([p[0] for p in parts], self.capacities, [p[1] for p in parts], [p[2] for p in parts])


@pytest.mark.parametrize(("incremental", "compiled"), WAYS)
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 40))
def test_rates_are_those_of_the_whole_problem_solved_at_once(
    incremental: bool, compiled: bool, seed: int, steps: int
) -> None:
    random = Random(seed)
    shares = fair_shares(incremental, compiled)
    model = Model(random, [shares])
    for step in range(steps):
        for _ in range(random.randint(1, 3)):
            model.change()
        shares.solve(float(step))
        found = [shares.progress(group)[2] for group in model.groups]
        assert found == pytest.approx(model.expected(), rel=1e-11)


@needs_compiler
@pytest.mark.parametrize("incremental", [True, False])
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 40))
def test_the_compiled_ones_are_the_same_to_the_last_digit(incremental: bool, seed: int, steps: int) -> None:
    random = Random(seed)
    plain, compiled = PlainFairShares(incremental), fair_shares(incremental)
    model = Model(random, [plain, compiled])
    for step in range(steps):
        for _ in range(random.randint(1, 3)):
            model.change()
        end = plain.solve(float(step))
        assert compiled.solve(float(step)) == end
        assert [compiled.progress(group) for group in model.groups] == [plain.progress(group) for group in model.groups]
        if end < inf and random.random() < 0.3:
            assert compiled.due(end) == plain.due(end)
        if model.groups and random.random() < 0.3:
            group = random.choice(list(model.groups))
            assert compiled.rebase(group) == plain.rebase(group)
    assert (compiled.solves, compiled.solved_flows) == (plain.solves, plain.solved_flows)


def test_what_is_slower_than_the_flow_that_left_is_not_solved_again() -> None:
    """Resource a of 2 with three flows, one of them also on b of 10 with d, d also on c of 6 with e.

    a: 2/3 each. c: 3 each. When e leaves, nothing below 3 can change: only d is solved, which b now keeps to 10 - 2/3
    and c to 6.
    """
    shares = PlainFairShares()
    a, b, c = (shares.add_resource(capacity) for capacity in (2.0, 10.0, 6.0))
    groups = [shares.add_group(route, inf, 0.0, 0.0) for route in ([a], [a], [a, b], [b, c], [c])]
    for group in groups:
        shares.set_members(group, 1, inf)
    shares.solve(0.0)
    assert shares.solved_flows == 5
    shares.remove_group(groups[-1])
    shares.solve(1.0)
    assert shares.solved_flows == 5 + 1
    rates = [shares.progress(group)[2] for group in groups[:-1]]
    assert rates == pytest.approx([2 / 3, 2 / 3, 2 / 3, 6.0], rel=1e-15)


def test_the_compiled_one_refuses_numbers_that_it_has_not_given() -> None:
    if compiled_version() is None:
        pytest.skip("clustersim_native is not built here")
    shares = fair_shares()
    with pytest.raises(IndexError, match="no such group"):
        shares.progress(0)
    with pytest.raises(IndexError, match="no such resource"):
        shares.add_group([0], inf, 0.0, 0.0)
    with pytest.raises(IndexError, match="no such resource"):
        shares.set_capacity(3, 1.0)


# In a network


def drawn_messages(random: Random, count: int) -> list[tuple[float, Route, float]]:
    """On few links, with caps, latencies, and starts that often coincide."""
    links = [
        Link(
            f"l{index}",
            "",
            "",
            random.choice([1.0, 2.0, 10.0, random.uniform(1.0, 9.0)]),
            random.choice([0.0, 0.25]),
            "wire",
            f"l{index // 2 * 2 if random.random() < 0.2 else index}",
        )
        for index in range(8)
    ]
    by_resource = {link.resource: link.bandwidth for link in reversed(links)}
    links = [
        Link(
            link.name,
            "",
            "",
            by_resource[link.resource],
            link.latency,
            "wire",
            link.resource,
        )
        for link in links
    ]
    routes = [
        Route(
            tuple(random.sample(links, random.randint(1, 3))),
            random.choice([0.0, 0.5]),
            random.choice([inf, inf, 0.3, 1.5]),
        )
        for _ in range(10)
    ]
    return [
        (
            random.choice([0.0, 1.0, 2.0, random.uniform(0.0, 20.0)]),
            random.choice(routes),
            random.choice([1.0, 8.0, random.uniform(0.1, 20.0)]),
        )
        for _ in range(count)
    ]


def arrivals(messages: list[tuple[float, Route, float]], **ways: bool) -> list[float]:
    env = simpy.Environment()
    network = FluidNetwork(env, **ways)
    ends = [0.0] * len(messages)

    def send(index: int, start: float, route: Route, size: float):
        yield env.timeout(start)
        yield network.transfer(route, size)
        ends[index] = env.now
        yield network.transfer(route, size / 2)  # at an instant at which another has ended
        ends[index] += env.now

    env.run(env.all_of([env.process(send(index, *message)) for index, message in enumerate(messages)]))
    return ends


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 30))
def test_arrivals_are_those_of_solving_everything_connected_each_time(seed: int, count: int) -> None:
    messages = drawn_messages(Random(seed), count)
    expected = arrivals(messages, incremental=False, compiled=False)
    assert arrivals(messages, compiled=False) == pytest.approx(expected, rel=1e-11)


@needs_compiler
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 30))
def test_arrivals_with_and_without_compiled_help_are_the_same_to_the_last_digit(seed: int, count: int) -> None:
    messages = drawn_messages(Random(seed), count)
    assert arrivals(messages) == arrivals(messages, compiled=False)
