"""All-reduces: every algorithm that we have, message by message, on a star of 10 GB/s and 1 µs an adapter.

Each with one rank a host, where messages rarely meet, and with four ranks that share their host's adapter and memory.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

from simulator.algorithms.rank import Rank
from simulator.algorithms.vocabulary import Operation
from simulator.collectives.registry import algorithms, schedule
from validation.peers.experiment import Case, Experiment, Times
from validation.peers.job import ELEMENT_SIZE, Costs, Job, simulate
from validation.peers.translation import translate

__all__ = ["SECTION", "all_reduce_cases", "all_reduce_job"]

SECTION = "All-reduce"

#: Bytes: about 7 and 62 million weights, and a message that latency rules.
_SIZES = {"27 MB": 27_000_000, "249 MB": 249_000_000, "1 kB": 1_000}
#: With one a host. With 12, not a power of two, some fold and chunks are unequal.
_RANKS = (2, 8, 12, 64)
#: (ranks, ranks a host) where they share.
_SHARED = ((8, 4), (24, 4))
#: More messages than this take longer than they teach.
_MOST_MESSAGES = 10_000


def all_reduce_cases() -> Iterator[Case]:
    """Algorithms × ranks × sizes."""
    for algorithm in algorithms("all_reduce"):
        for ranks, each in (*((ranks, 1) for ranks in _RANKS), *_SHARED):
            for size_name, size in _SIZES.items():
                elements = size // ELEMENT_SIZE
                if schedule("all_reduce", algorithm, ranks, elements).transfer_count <= _MOST_MESSAGES:
                    where = f"{ranks} ranks" if each == 1 else f"{ranks} ranks on {ranks // each} hosts"
                    prepare = partial(_prepare, algorithm, ranks, elements, each)
                    yield Case(SECTION, f"{algorithm}, {size_name}, {where}", prepare, algorithm)


def all_reduce_job(algorithm: str, ranks: int, elements: int, ranks_per_host: int = 1) -> Job:
    """One all-reduce in which all ranks begin together; additions take no time."""
    return Job(
        programs=[_program] * ranks,
        hosts=[f"h{rank // ranks_per_host}" for rank in range(ranks)],
        costs=[Costs()] * ranks,
        workers=ranks,
        elements=elements,
        schedule=lambda kind, members, count, root: schedule(kind, algorithm, members, count, root),
    )


def _program(rank: Rank) -> Generator[Operation, Any, None]:
    yield rank.all_reduce(rank.replica())


def _prepare(algorithm: str, ranks: int, elements: int, ranks_per_host: int) -> tuple[Experiment, Times]:
    job = all_reduce_job(algorithm, ranks, elements, ranks_per_host)
    return translate(job), simulate(job)
