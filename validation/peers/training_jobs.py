"""Training algorithms with a parameter server: workers that go up and down one server's adapter, together or staggered.

The algorithms are the bundled ones, with their locks and with updates of shared weights that compete for the server's
memory. Where a lock decides who goes first, the workers are staggered, so that no two of them come at the same moment.
One synchronous algorithm stands beside them, with ranks that come to its all-reduce at different moments and additions
that take time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from simulator.algorithms.registry import load_algorithm
from simulator.collectives.registry import schedule
from validation.peers import collectives
from validation.peers.experiment import Case, Experiment, Times
from validation.peers.job import ELEMENT_SIZE, Costs, Job, simulate
from validation.peers.translation import translate

__all__ = ["SECTION", "training_cases", "training_job"]

SECTION = "Parameter server"

_WORKERS = (2, 8, 32)
_STEPS = 4
_SIZE = 27_000_000  #: bytes of the weights; blocks of an update are whole bytes
_GRADIENT = 20e-3  #: seconds a gradient
_UPDATE = 1e-10  #: seconds an element of an update or addition on the rank's own device
#: Fractions of a gradient by which the workers differ: irrational, so that they never meet by chance.
_STAGGER = 2**0.5 / 10
#: With whether the workers may come together: under a lock, who is first of equals is nobody's prediction.
_ALGORITHMS = {
    "hogwild-sgd": (True, False),
    "async-sgd": (False,),
    "async-msgd": (False,),
    "original-easgd": (True, False),
    "sync-sgd": (True, False),
}


def training_cases() -> Iterator[Case]:
    """Algorithms × workers × together or staggered."""
    for algorithm, ways in _ALGORITHMS.items():
        for workers in _WORKERS:
            for together in ways:
                way = "together" if together else "staggered"
                prepare = partial(_prepare, algorithm, workers, together)
                section = collectives.SECTION if algorithm == "sync-sgd" else SECTION
                yield Case(section, f"{algorithm}, {workers} workers, {way}", prepare, algorithm)


def training_job(name: str, workers: int, together: bool) -> Job:
    """A few steps of a bundled algorithm; all its masters are threads of one host."""
    algorithm = load_algorithm(name)
    options = algorithm.resolve_options({"overlap": False} if name == "original-easgd" else {})
    if algorithm.server is not None:
        masters = [algorithm.server] * workers
    else:
        masters = [algorithm.master] if algorithm.master else []
    pace = [1.0 if together else 1.0 + _STAGGER * worker for worker in range(workers)]
    return Job(
        programs=[algorithm.worker] * workers + masters,
        hosts=[f"h{worker}" for worker in range(workers)] + ["server"] * len(masters),
        costs=[Costs(_GRADIENT * factor, _UPDATE) for factor in pace] + [Costs(0.0, _UPDATE)] * len(masters),
        workers=workers,
        elements=_SIZE // ELEMENT_SIZE,
        steps=_STEPS,
        schedule=lambda kind, members, count, root: schedule(kind, "ring", members, count, root),
        options=options,
    )


def _prepare(name: str, workers: int, together: bool) -> tuple[Experiment, Times]:
    job = training_job(name, workers, together)
    return translate(job), simulate(job)
