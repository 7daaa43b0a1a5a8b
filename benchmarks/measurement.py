"""What a run takes: wall and processor time, and the most memory its process ever held."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.workloads.workload import Outcome

__all__ = ["Measurement", "Runs", "measure", "peak_bytes"]


@dataclass(frozen=True)
class Measurement:
    """One run, in a process of its own.

    Attributes
    ----------
    end : float
        Simulated [s].
    ends : sequence of float
        Of each flow or worker, where they are compared one by one.
    wall_s, cpu_s : float
        Of the run, without the start of its process. Of workers that it starts, the processor time counts as well.
    peak_bytes : int
        The most memory that the process held, imports and all; of several, the largest.
    base_bytes : int
        The same before the run; 0 where it is not known.
    by : str
        What did the work.
    """

    end: float
    ends: Sequence[float]
    wall_s: float
    cpu_s: float
    peak_bytes: int
    base_bytes: int = 0
    by: str = ""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Measurement:
        """From JSON that may hold more."""
        return cls(**{name: document[name] for name in cls.__dataclass_fields__ if name in document})


@dataclass
class Runs:
    """Repeats of one run.

    Attributes
    ----------
    measurements : list of Measurement
    given_up : str
        Why there is no (other) run; empty if there was no trouble.
    """

    measurements: list[Measurement] = field(default_factory=list)
    given_up: str = ""

    def __bool__(self) -> bool:
        return bool(self.measurements)

    @property
    def best(self) -> Measurement:
        """The one with the least wall time: what else the machine did can only add."""
        return min(self.measurements, key=lambda measurement: measurement.wall_s)

    @property
    def wall_s(self) -> float:
        """Least wall time."""
        return self.best.wall_s

    @property
    def cpu_s(self) -> float:
        """Least processor time."""
        return min(measurement.cpu_s for measurement in self.measurements)

    @property
    def peak_bytes(self) -> int:
        """The least of the peaks."""
        return min(measurement.peak_bytes for measurement in self.measurements)

    @property
    def spent_s(self) -> float:
        """Wall time of all runs."""
        return sum(measurement.wall_s for measurement in self.measurements)


def measure(run: Callable[[], Outcome]) -> Measurement:
    """Run it once."""
    base, cpu, wall = peak_bytes(), _processor_seconds(), time.perf_counter()
    outcome = run()
    wall, cpu = time.perf_counter() - wall, _processor_seconds() - cpu
    return Measurement(outcome.end, list(outcome.ends), wall, cpu, peak_bytes(), base, outcome.by)


def peak_bytes() -> int:
    """The most memory that this process, or one that it started and that has ended, held so far.

    Linux tells it of this program alone; `ru_maxrss`, the answer elsewhere, may count what the process had before.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    return max(_own_peak_bytes(), unit * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def _own_peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
