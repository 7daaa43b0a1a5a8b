"""A star of equal links, ranks whose arithmetic costs what a test says, and a run of any program over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import simpy

from simulator.algorithms import load_algorithm
from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.rules import Settings
from simulator.collectives.registry import schedule
from simulator.execution.executor import Executor, RankSetup
from simulator.execution.memory import uncollected
from simulator.network.base import network_model
from simulator.platform.links import Link, Route
from simulator.trace import Category, RankInfo, Trace

#: What stands for a policy, which needs a platform.
_SCHEDULES = {"auto": "ring"}


@dataclass
class FixedCosts:
    """Seconds a gradient, a third of it forward, and seconds an element of an update; copies are free.

    The backward pass spends the same on each of `layers` layers.
    """

    gradient_seconds: float = 0.0
    element_seconds: float = 0.0
    layers: int = 1

    def gradient(self, samples: int) -> float:
        return self.gradient_seconds

    def forward(self, samples: int) -> float:
        return self.gradient_seconds / 3

    def backward(self, samples: int) -> tuple[float, ...]:
        return (self.gradient_seconds * 2 / 3 / self.layers,) * self.layers

    def stream(self, read: float, written: float) -> float:
        return self.element_seconds * (read + written) / 4

    def update(self, elements: int, arrays: int, writes: int) -> float:
        return self.element_seconds * elements

    def add(self, elements: int) -> float:
        return self.element_seconds * elements

    def copy(self, size: float) -> float:
        return 0.0


class Star:
    """Ranks on one switch, each with a full-duplex link; α = latency (both links together), β = 1 / bandwidth."""

    def __init__(self, ranks: int, latency: float, bandwidth: float) -> None:
        def link(name: str) -> Link:
            return Link(name, name, name, bandwidth, latency / 2, "star", name)

        self._up = [link(f"up{i}") for i in range(ranks)]
        self._down = [link(f"down{i}") for i in range(ranks)]
        self._routes: dict[tuple[int, int], Route] = {}

    def route(self, source: int, target: int) -> Route:
        if (source, target) not in self._routes:
            self._routes[source, target] = Route((self._up[source], self._down[target]))
        return self._routes[source, target]


@dataclass
class Outcome:
    trace: Trace
    network: Any
    executor: Executor

    @property
    def ranks(self) -> tuple[Rank, ...]:
        return self.executor.ranks

    @property
    def time(self) -> float:
        return self.trace.duration


@pytest.fixture
def play() -> Callable[..., Outcome]:
    """Run programs over a star; ``play(program, ranks=…, layout=…, collectives={kind: algorithm})``."""

    def run(
        program: Any,
        *,
        ranks: int,
        layout: tuple[int, ...] = (1000,),
        steps: int = 1,
        latency: float = 1e-6,
        bandwidth: float = 10e9,
        element_size: int = 4,
        collectives: dict[str, str] | None = None,
        master: Any = None,
        costs: Callable[[int], FixedCosts] = lambda rank: FixedCosts(),
        jitter: Callable[[int], Callable[[], float]] = lambda rank: lambda: 1.0,
        model: str = "fluid",
        packed: bool = True,
        options: dict[str, Any] | None = None,
        overlap_slowdown: float = 0.0,
        server: Any = None,
        **task_fields: Any,
    ) -> Outcome:
        env = simpy.Environment()
        network = network_model(model)(env)
        arithmetic = task_fields.pop("arithmetic", None)
        master = master or server
        threads = ranks if server is not None else int(master is not None)
        total = ranks + threads
        memory = Route((Link("memory", "host", "host", 100e9, 0.0, "memory", "memory"),))
        star = Star(total, latency, bandwidth)
        trace = Trace(tuple(RankInfo(i, "worker", f"d{i}", "d", i) for i in range(total)))
        setups = [
            RankSetup(
                program=program if i < ranks else master,
                role="worker" if i < ranks else "master",
                costs=costs(i),
                batch_route=None,
                batch_size=1,
                batch_bytes=0.0,
                jitter=jitter(i),
                update_category=Category.DEVICE_UPDATE,
                overlap_slowdown=overlap_slowdown,
                memory_route=memory if i >= ranks else None,
            )
            for i in range(total)
        ]
        task = Task(
            workers=tuple(range(ranks)),
            masters=tuple(range(ranks, total)),
            steps=steps,
            layout=layout,
            element_size=element_size,
            options=options or {},
            **task_fields,
        )
        executor = Executor(
            env,
            task,
            setups,
            network,
            route=star.route,
            category=lambda source, target: Category.GPU_GPU_PARAMETERS,
            schedule=lambda kind, size, elements, root: schedule(kind, (collectives or {})[kind], size, elements, root),
            trace=trace,
            packed=packed,
            arithmetic=arithmetic,
        )
        with uncollected():
            executor.run()
        return Outcome(trace, network, executor)

    return run


@pytest.fixture
def fixed_costs() -> type[FixedCosts]:
    return FixedCosts


class Quadratic:
    """Worker w at step t: the gradient of half the squared distance to a point of its own, which moves with t.

    Parameters
    ----------
    pull : float
        Factor on the gradients.
    alike : bool
        Whether all workers have the same point.
    """

    def __init__(self, elements: int, pull: float = 1.0, alike: bool = False) -> None:
        self.elements, self.pull, self.alike = elements, pull, alike

    def point(self, worker: int, step: int) -> Any:
        return np.random.default_rng([0 if self.alike else worker, step]).standard_normal(self.elements)

    def batch(self, worker: int, step: int) -> Any:
        return self.point(worker, step)

    def gradient(self, worker: int, step: int, weights: Any, batch: Any) -> Any:
        return self.pull * (weights - batch)

    def updated(self, now: float) -> bool:
        return False


@pytest.fixture
def train(play: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Run a registered algorithm over a star; with ``learn=True`` on quadratics, from random weights."""

    def run(
        name: str,
        *,
        ranks: int,
        options: dict[str, Any] | None = None,
        learn: bool = False,
        layout: tuple[int, ...] = (40, 0, 300, 60),
        arithmetic: Any = None,
        settings: Settings | None = None,
        **more: Any,
    ) -> Outcome:
        algorithm = load_algorithm(name)
        if learn:
            elements = sum(layout)
            chosen = settings or Settings(learning_rate=0.1, elasticity=0.5, momentum=0.9)
            more.setdefault("initial", np.random.default_rng(7).standard_normal(elements))
            more["arithmetic"] = arithmetic or Quadratic(elements)
            more["settings"] = lambda step: chosen
        more.setdefault("costs", lambda rank: FixedCosts(1e-4, 1e-9, len(layout)))
        return play(
            algorithm.worker,
            master=algorithm.master,
            server=algorithm.server,
            ranks=ranks,
            layout=layout,
            options=algorithm.resolve_options(options or {}),
            collectives={kind: _SCHEDULES.get(way, way) for kind, way in algorithm.collectives.items()},
            **more,
        )

    return run


@pytest.fixture
def quadratic() -> type[Quadratic]:
    return Quadratic
