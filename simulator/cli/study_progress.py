"""How far a study is, on standard error: a bar in a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.planning.progress import Progress

__all__ = ["study_progress", "summary"]

#: Seconds between two lines in a log.
_EVERY = 10.0


@contextmanager
def study_progress(what: str = "points") -> Iterator[Callable[[Progress], None]]:
    """What to tell how far the study is."""
    if not sys.stderr.isatty():
        yield _logged(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    with Bars(BarColumn(), TextColumn("{task.description}"), console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=None)

        def show(progress: Progress) -> None:
            text = f"{_counts(progress, what)}{_left(progress)}"
            bars.update(task, total=progress.points, completed=progress.finished, description=text)

        yield show


def summary(progress: Progress, what: str = "points") -> str:
    """How a study ended, in one line."""
    parts = [f"{progress.found:,} found in the store"] if progress.found else []
    if progress.simulated:
        rate = progress.simulated / progress.elapsed if progress.elapsed else 0.0
        parts.append(f"{progress.simulated:,} simulated in {_duration(progress.elapsed)} ({rate:,.3g} a second)")
    parts += _troubles(progress)
    return f"{progress.points:,} different {what}: {', '.join(parts)}"


def _logged(what: str) -> Callable[[Progress], None]:
    last = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY and progress.finished < progress.points:
            last = time.monotonic()
            print(f"{_counts(progress, what)}{_left(progress)}", file=sys.stderr, flush=True)

    return show


def _counts(progress: Progress, what: str) -> str:
    notes = [f"{progress.found:,} found"] if progress.found else []
    notes += _troubles(progress)
    inside = f" ({', '.join(notes)})" if notes else ""
    return f"{progress.finished:,} of {progress.points:,} {what}{inside}"


def _troubles(progress: Progress) -> list[str]:
    counted = (("infeasible", progress.infeasible), ("failed", progress.failed))
    return [f"{number:,} {name}" for name, number in counted if number]


def _left(progress: Progress) -> str:
    return "" if progress.seconds_left is None else f", about {_duration(progress.seconds_left)} left"


def _duration(seconds: float) -> str:
    """As a person says it: whole minutes matter when there are hours."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
