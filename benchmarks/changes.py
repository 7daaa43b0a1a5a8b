"""What has changed between two records: by how much, whether that is more than noise, and on which machine.

Times are processor seconds, the least of the repeats: other work on the machine disturbs them less than wall time. A
change counts where it is more than 5 %, and more than twice what repeats of either run differ by; where a run was not
repeated, or lasts milliseconds, more than 25 %. Between machines that differ, times are first multiplied by the rate
of bare SimPy on their machine: they become the number of SimPy's events in whose time a run was done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.record import ROUGHLY, ROUNDING, Record, Timing

__all__ = ["Change", "changes", "same_machine"]

#: Changes up to here are noise, however well the repeats agree.
_LEAST = 0.05
#: The same where there are no repeats to tell, or a run is shorter than a time slice.
_UNSURE = 0.25
_SHORT = 0.01


@dataclass(frozen=True)
class Change:
    """One run of a case, earlier and now.

    Attributes
    ----------
    key : str
        The case.
    way : str
        ``"ours"`` or ``"exact"``.
    before, after : float
        Least processor seconds, of all processes.
    factor : float
        After over before; between different machines in units of bare SimPy.
    threshold : float
        Below which a change is noise, relative.
    memory : float
        Peak memory after over before.
    times_differ : bool
        Whether the simulated times are not the same.
    """

    key: str
    way: str
    before: float
    after: float
    factor: float
    threshold: float
    memory: float
    times_differ: bool

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.factor > 1.0 + self.threshold:
            return "slower"
        return "faster" if self.factor < 1.0 / (1.0 + self.threshold) else ""


def same_machine(old: Record, new: Record) -> bool:
    """Whether times can be compared as they are."""
    return old.machine == new.machine


def changes(old: Record, new: Record) -> Iterator[Change]:
    """Every run that both have, in the order of the new record."""
    scale = 1.0 if same_machine(old, new) else new.calibration.best / old.calibration.best
    earlier = old.by_key()
    for row in new.rows:
        if row.key in earlier:
            before = earlier[row.key]
            for way, was, now in (("ours", before.ours, row.ours), ("exact", before.exact, row.exact)):
                if was is not None and now is not None:
                    yield _change(row.key, way, was, now, scale, ROUGHLY if row.chaotic else ROUNDING)


def _change(key: str, way: str, was: Timing, now: Timing, scale: float, rounding: float) -> Change:
    return Change(
        key,
        way,
        was.cpu,
        now.cpu,
        scale * now.cpu / was.cpu,
        max(_threshold(was), _threshold(now)),
        now.peak_bytes / was.peak_bytes,
        abs(now.end_s - was.end_s) > rounding * abs(was.end_s),
    )


def _threshold(timing: Timing) -> float:
    sure = len(timing.cpu_s) > 1 and timing.cpu >= _SHORT
    return max(_LEAST if sure else _UNSURE, 2.0 * timing.noise)
