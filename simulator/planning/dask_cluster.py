"""Points on the workers of a Dask cluster (Dask distributed, the extra ``dask``).

A worker that dies takes nothing with it: the scheduler gives what it had to others. A point that a number of workers
died of has failed; the number is Dask's ``distributed.scheduler.allowed-failures``. No more points are handed to the
scheduler than keep all workers busy, so a study may be of any size.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from importlib import import_module
from itertools import islice
from typing import Any, TypeAlias

from simulator.errors import InputError, RunError
from simulator.planning.keys import release
from simulator.planning.outcome import Record, simulated
from simulator.planning.processes import Task

__all__ = ["on_dask"]

#: A ``distributed.Client``; that library does not say the types of what it takes and gives.
Client: TypeAlias = Any

#: Seconds to wait for the scheduler, and for the first worker.
CONNECT, FIRST_WORKER = 5.0, 30.0
#: Points that each thread of a worker has waiting.
_AHEAD = 4
#: Seconds between two looks at how many workers there are.
_ASK_EVERY = 5.0


def on_dask(
    tasks: Iterator[Task], address: str, ready: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Record]]:
    """The numbers of the points and their records, as they finish on the workers of the scheduler at `address`.

    `ready` is called when they can begin.

    Raises
    ------
    InputError
        If Dask distributed is not installed, no scheduler answers, it has no workers, or they have another version of
        this program or none.
    RunError
        If the scheduler is lost on the way.
    """
    client = _connected(address)
    try:
        _check_workers(client, address)
        ready()
        yield from _records(client, tasks, address)
    finally:
        client.close(timeout=2)


def _connected(address: str) -> Client:
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise InputError("a Dask cluster needs Dask distributed: pip install 'clustersim[dask]'") from None
    # What goes wrong is said here, in one line.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        # Asked first: a client that cannot read its address leaves threads behind, which complain at the end.
        import_module("distributed.comm").get_address_host_port(address)
        return distributed.Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, TimeoutError):
        raise InputError(
            f"dask: no scheduler answers at {address}; start one with 'dask scheduler', and workers with "
            "'dask worker ADDRESS'"
        ) from None
    except ValueError:
        raise InputError(
            f"dask: expected the address of a scheduler, such as tcp://10.0.0.1:8786, got {address!r}"
        ) from None


def _check_workers(client: Client, address: str) -> None:
    """All workers must have this program, in this version, or the same scenario would give other results."""
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER)
    except TimeoutError:
        raise InputError(
            f"dask: the scheduler at {address} has no workers; start some with 'dask worker {address}'"
        ) from None
    try:
        releases: dict[str, str] = client.run(release)
    except Exception as error:
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"dask: the workers of {address} cannot import clustersim ({problem}); install it where they run"
        ) from None
    for worker, found in releases.items():
        if found != release():
            raise InputError(f"dask: worker {worker} has clustersim {found}; expected {release()}, as here")


def _records(client: Client, tasks: Iterator[Task], address: str) -> Iterator[tuple[int, Record]]:
    distributed = import_module("distributed")
    finished = distributed.as_completed(loop=client.loop)
    numbers: dict[Any, int] = {}
    ahead = _Ahead(client)
    lost = RunError(
        f"dask: the scheduler at {address} is lost; what was finished before is kept in the store, if there is one"
    )

    def submit() -> None:
        for number, point in islice(tasks, max(0, ahead.points() - len(numbers))):
            future = client.submit(simulated, *point, pure=False)
            numbers[future] = number
            finished.add(future)

    try:
        submit()
        # What has finished together is fetched together: fetching one takes as long as a small point.
        for batch in finished.batches():
            whole = [future for future in batch if future.status == "finished"]
            records: dict[Any, Record] = dict(zip(whole, client.gather(whole), strict=True))
            found = [
                (numbers.pop(future), records.get(future) or _failure(future, distributed.KilledWorker))
                for future in batch
            ]
            submit()
            yield from found
    except (OSError, CancelledError):
        raise lost from None


class _Ahead:
    """How many points are handed to the scheduler at once; workers may come and go."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._points = 0
        self._asked = -_ASK_EVERY

    def points(self) -> int:
        if time.monotonic() - self._asked > _ASK_EVERY:
            threads = sum(self._client.nthreads().values())
            self._points, self._asked = _AHEAD * max(1, threads), time.monotonic()
        return self._points


def _failure(future: Any, killed: type[Exception]) -> Record:
    """What is to be said of a future that did not end well; raises `CancelledError` if the scheduler forgot it."""
    try:
        record: Record = future.result()
        return record
    except killed as error:
        return "failed", None, f"{error.args[2] + 1} workers died of it; out of memory?"
    except Exception as error:
        if future.status != "error":
            raise
        return "failed", None, " ".join(f"{type(error).__name__}: {error}".split())
