"""Many processes at once: what all cores do together, and what is lost when processes outnumber them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from simulator.errors import RunError
from simulator.probe.load import BALANCE, INTERRUPTIONS, copy_bytes, stream_bytes, threads_rate
from simulator.probe.timing import Measured, summary
from simulator.processes import child_environment

__all__ = ["PIECE", "Cores", "balance_delay", "measure_cores"]

#: Seconds of a core that each process has to do while cores are watched as they balance.
PIECE = 0.05
_STARTING = 0.6  #: seconds that each process is given to start and to have its arrays ready
_BETWEEN = 0.03  #: seconds from one turn to the next
_BALANCED = 2.5 * PIECE  #: how long that takes at most: two such pieces on one core, and what a slice moves
_BALANCES = 3  #: times that it is done in a round
_GRACE = 20.0  #: seconds after which a process that should have ended is taken to hang

#: Kind of work and number of processes that do it at the same time.
Turn = tuple[str, int]


@dataclass(frozen=True)
class Cores:
    """What processes on shared cores do together.

    Attributes
    ----------
    together : Measured
        Work of all cores at once, over that of one core alone.
    oversubscribed : Measured
        Work of twice as many processes as cores, over that of as many processes as cores: 1 if sharing costs nothing.
    threads : Measured
        Work of as many threads as cores in one process, over that of one thread.
    core_stream, all_stream : Measured
        Memory bandwidth of one core and of all [B/s], read and written bytes together.
    core_copy, all_copy : Measured
        Bytes that one core copies, and all do [B/s], from array to array, of megabytes.
    small_copy : Measured
        The same of one core with arrays that its own cache holds.
    time_slice : Measured
        How long a process keeps its core while another waits for it [s].
    balance_delay : Measured
        How long a core is idle before it gets a process that waits for another core [s].
    """

    together: Measured
    oversubscribed: Measured
    threads: Measured
    core_stream: Measured
    all_stream: Measured
    core_copy: Measured
    all_copy: Measured
    small_copy: Measured
    time_slice: Measured
    balance_delay: Measured

    @property
    def switch_time(self) -> Measured:
        """What an interrupted process loses [s] before it is as fast as before, if that is all that sharing costs."""
        lost = max(1.0 / self.oversubscribed.value - 1.0, 0.0)
        error = self.oversubscribed.std / self.oversubscribed.value**2 * self.time_slice.value
        return Measured(lost * self.time_slice.value, error, self.oversubscribed.samples)


def measure_cores(
    cores: int, rounds: int, seconds: float, progress: Callable[[float], None] = lambda share: None
) -> Cores:
    """Measure them, `rounds` times for `seconds` each.

    Raises
    ------
    RunError
        If a process fails or hangs.
    """
    turns: list[Turn] = [("compute", 1), ("compute", cores), ("compute", 2 * cores)]
    turns += [(kind, count) for kind in ("memory", "copy") for count in (1, cores)]
    turns += [("small copy", 1), (INTERRUPTIONS, 2 * cores)]
    turns = list(dict.fromkeys(turns))
    turns += [(BALANCE, cores + 1)] * _BALANCES
    rates = _rates(turns, rounds, seconds, lambda share: progress(0.8 * share))
    threads = []
    for done in range(rounds):
        threads.append(threads_rate(cores, seconds) / threads_rate(1, seconds))
        progress(0.8 + 0.2 * (done + 1) / rounds)

    def ratio(count: int, over: int) -> Measured:
        pairs = zip(rates["compute", count], rates["compute", over], strict=True)
        return summary([sum(one) / sum(other) for one, other in pairs])

    def bandwidth(kind: str, count: int, size: float) -> Measured:
        return summary([sum(each) for each in rates[kind, count]]).scaled(size)

    return Cores(
        together=ratio(cores, 1),
        oversubscribed=ratio(2 * cores, cores),
        threads=summary(threads),
        core_stream=bandwidth("memory", 1, stream_bytes()),
        all_stream=bandwidth("memory", cores, stream_bytes()),
        core_copy=bandwidth("copy", 1, copy_bytes()),
        all_copy=bandwidth("copy", cores, copy_bytes()),
        small_copy=bandwidth("small copy", 1, copy_bytes("small copy")),
        # Of n processes on c cores each is interrupted once a turn of n / c slices.
        time_slice=summary([cores / max(sum(each), 1.0) for each in rates[INTERRUPTIONS, 2 * cores]]),
        balance_delay=summary([balance_delay(cores, each) for each in rates[BALANCE, cores + 1]]),
    )


def balance_delay(cores: int, elapsed: Sequence[float]) -> float:
    """How long [s] cores were idle beside two processes on one, from how long each took for a piece of work W.

    Of n + 1 processes that begin together on n cores two share one. When the others end, after W, those two have W left
    together. They do d of it on one core, until an idle one takes one of them, and the rest on two, so the last of all
    ends after W + d + (W - d) / 2. Balancing earlier than that, while all cores are at work, counts as no delay.
    """
    if cores == 1:
        return 0.0
    return min(max(2.0 * max(elapsed) - 3.0 * PIECE, 0.0), PIECE)


def _rates(
    turns: Sequence[Turn], rounds: int, seconds: float, progress: Callable[[float], None]
) -> dict[Turn, list[list[float]]]:
    """What each process of a turn has answered, for every time that the turn came."""
    processes = max(count for _, count in turns)
    played = [turn for _ in range(rounds) for turn in turns]
    lengths = [_BALANCED if kind == BALANCE else seconds for kind, _ in played]
    start = time.time() + _STARTING * (1 + processes / 2)
    starts = [start, *(start + passed for passed in accumulate(length + _BETWEEN for length in lengths))]
    schedules = [
        [
            (kind, begin, PIECE if kind == BALANCE else seconds)
            for (kind, count), begin in zip(played, starts, strict=False)
            if index < count
        ]
        for index in range(processes)
    ]
    length = starts[-1] - time.time()
    answers = _run([json.dumps(schedule) for schedule in schedules], length, progress)
    left = [iter(answer) for answer in answers]
    rates: dict[Turn, list[list[float]]] = {turn: [] for turn in turns}
    for turn in played:
        rates[turn].append([next(answer) for answer in left[: turn[1]]])
    return rates


def _run(schedules: Sequence[str], length: float, progress: Callable[[float], None]) -> list[list[float]]:
    """Have a process follow each schedule; what they answer."""
    environment = child_environment()
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "simulator.probe.load", schedule],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for schedule in schedules
    ]
    begun = time.monotonic()
    try:
        while (passed := time.monotonic() - begun) < length and all(process.poll() in (None, 0) for process in running):
            progress(min(passed / length, 1.0))
            time.sleep(0.1)
        answers = [process.communicate(timeout=_GRACE) for process in running]
    except subprocess.TimeoutExpired:
        raise RunError(f"probe: a process that was to be busy for {length:.0f} s has not ended") from None
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.communicate()
    for process, (_, errors) in zip(running, answers, strict=True):
        if process.returncode:
            last = errors.strip().splitlines()[-1:] or ["it left no message"]
            raise RunError(f"probe: a process that was to be busy failed ({last[0]})")
    return [json.loads(output) for output, _ in answers]
