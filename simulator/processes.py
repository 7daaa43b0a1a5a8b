"""Other processes of this program: the environment they start in, and pools that end with whoever opened them.

A pool here calls any function, and ends whole if one process dies: for a validation in parts, or a fit in rounds. The
points of a study go through `simulator.planning.processes` instead, where a process that dies costs one try of one
point, points are taken as processes become free, and the processes end with a study that is killed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from pathlib import Path
from types import MappingProxyType

from simulator.errors import RunError

__all__ = ["ONE_THREAD", "child_environment", "process_pool"]

#: What has a process compute on one thread: processes are what shares the cores.
ONE_THREAD: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1")
)


def child_environment() -> dict[str, str]:
    """Of a process that finds this program, installed or not, and computes on one thread."""
    here = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": path}


@contextmanager
def process_pool(processes: int, work: str) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes, which are ended when the context is left, whatever they are at.

    Raises
    ------
    RunError
        If a process dies; the message names the `work` it was for.
    """
    others = set(active_children())
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        yield pool
    except BrokenProcessPool:
        raise RunError(f"a process of the {work} died; is the machine out of memory? try fewer --jobs") from None
    finally:
        # Work still going on is of no use to anybody: whoever leaves early (an interrupt, an error) must not wait.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(active_children()) - others:
            process.terminate()
