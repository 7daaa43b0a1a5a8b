"""What one run of the benchmarks found, as it is kept in `history/`: small, readable, and checked when it is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.errors import InputError

__all__ = [
    "AGREEMENT",
    "ROUGHLY",
    "ROUNDING",
    "SCHEMA",
    "Calibration",
    "Record",
    "Row",
    "Timing",
    "read_record",
    "records_in",
    "write_record",
]

SCHEMA: Literal["clustersim/benchmarks/1"] = "clustersim/benchmarks/1"

#: Largest relative difference between our times and a peer's.
AGREEMENT = 1e-6
#: The same between ours with and without shortcuts, and a closed form: rounding.
ROUNDING = 1e-9
#: Both where the workload is chaotic: that about the same was done.
ROUGHLY = 0.1


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Timing(_Model):
    """Repeats of one run.

    Attributes
    ----------
    wall_s, cpu_s : tuple of float
        Of each repeat, in the order in which they were made.
    peak_bytes : int
        The least of the peaks of their processes' memory.
    end_s : float
        The simulated time.
    difference : float
        Of its times from ours, relative; 0 for our own default way.
    by : str
        What did the work.
    """

    wall_s: tuple[float, ...] = Field(min_length=1)
    cpu_s: tuple[float, ...] = Field(min_length=1)
    peak_bytes: int
    end_s: float
    difference: float = 0.0
    by: str = ""

    @property
    def wall(self) -> float:
        """Least wall time [s]: what else the machine did can only add."""
        return min(self.wall_s)

    @property
    def cpu(self) -> float:
        """Least processor time [s]."""
        return min(self.cpu_s)

    @property
    def noise(self) -> float:
        """How much longer than the best the middle one of the repeats took, relative; 0 for one repeat."""
        ordered = sorted(self.cpu_s)
        return ordered[len(ordered) // 2] / ordered[0] - 1.0 if ordered[0] > 0 else 0.0


class Row(_Model):
    """One case.

    Attributes
    ----------
    group, name : str
        As of `benchmarks.cases.Case`.
    messages : int
        Of the workload; 0 where they are not counted.
    closed_form_s : float or None
        When it must end.
    chaotic : bool
        Whether rounding grows until it shows.
    ours, exact : Timing or None
        As users get it, and without any shortcut.
    peers : dict of str to Timing
        SimGrid, by its way of updating rates.
    figure_s : float or None
        Wall time of SimGrid that was seen elsewhere; our time is set against it where SimGrid is not installed.
    least_ratio, most_wall_s, most_bytes : float
        What is required; 0 where nothing is.
    notes : tuple of str
        Runs that were left out or given up, with the reason.
    """

    group: str
    name: str
    messages: int = 0
    closed_form_s: float | None = None
    chaotic: bool = False
    ours: Timing | None = None
    exact: Timing | None = None
    peers: dict[str, Timing] = {}
    figure_s: float | None = None
    least_ratio: float = 0.0
    most_wall_s: float = 0.0
    most_bytes: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Unique in a record."""
        return f"{self.group} {self.name}"

    @property
    def peer(self) -> tuple[str, Timing] | None:
        """Of the peers that agree with our times the quickest."""
        allowed = ROUGHLY if self.chaotic else AGREEMENT
        agreeing = [(name, timing) for name, timing in self.peers.items() if timing.difference <= allowed]
        return min(agreeing, key=lambda pair: pair[1].wall, default=None)

    @property
    def peer_wall_s(self) -> float | None:
        """What our wall time is set against [s]."""
        return self.peer[1].wall if self.peer else self.figure_s

    @property
    def ratio(self) -> float | None:
        """The peer's wall time over ours."""
        return self.peer_wall_s / self.ours.wall if self.ours and self.peer_wall_s else None

    @property
    def figure_ratio(self) -> float | None:
        """The wall time of SimGrid that was seen elsewhere over ours."""
        return self.figure_s / self.ours.wall if self.ours and self.figure_s else None

    @property
    def cpu_ratio(self) -> float | None:
        """The peer's processor time over ours."""
        return self.peer[1].cpu / self.ours.cpu if self.ours and self.peer and self.ours.cpu else None

    @property
    def memory_ratio(self) -> float | None:
        """Our peak memory over the peer's."""
        return self.ours.peak_bytes / self.peer[1].peak_bytes if self.ours and self.peer else None

    @property
    def required(self) -> bool:
        """Whether anything is."""
        return bool(self.least_ratio or self.most_wall_s or self.most_bytes)

    @property
    def met(self) -> bool | None:
        """Whether it reaches what is required; None where nothing is, or nothing can be said."""
        if not self.required:
            return None
        if self.ours is None:
            return False
        if self.least_ratio and self.ratio is None:
            return None
        return (
            (not self.least_ratio or (self.ratio or 0.0) >= self.least_ratio)
            and (not self.most_wall_s or self.ours.wall <= self.most_wall_s)
            and (not self.most_bytes or self.ours.peak_bytes <= self.most_bytes)
        )

    @property
    def form_difference(self) -> float | None:
        """Of our time from the closed form, relative."""
        if self.ours is None or self.closed_form_s is None:
            return None
        return abs(self.ours.end_s / self.closed_form_s - 1.0)

    @property
    def disagreements(self) -> list[str]:
        """Where predicted times differ that must not: a ratio of unequal work says nothing.

        One of SimGrid's ways of updating rates has to agree; one that does not is set aside.
        """
        found = []
        if self.form_difference is not None and self.form_difference > ROUNDING:
            found.append(f"{self.key}: {self.form_difference:.1e} off the closed form")
        if self.exact and self.exact.difference > (ROUGHLY if self.chaotic else ROUNDING):
            found.append(f"{self.key}: {self.exact.difference:.1e} between shortcuts and exact")
        if self.peers and self.peer is None:
            least = min(timing.difference for timing in self.peers.values())
            found.append(f"{self.key}: {least:.1e} off SimGrid")
        return found


class Calibration(_Model):
    """Bare SimPy on that machine, before the run and after it."""

    events_per_s: tuple[float, ...] = Field(min_length=1)

    @property
    def best(self) -> float:
        """The most."""
        return max(self.events_per_s)


class Record(_Model):
    """One run of the benchmarks.

    Attributes
    ----------
    date : str
        Day and time, UTC.
    commit : str
        Of this project; with a ``+`` if files had been changed since.
    machine : dict
        Cores, processor, memory, system, Python.
    compiled : str or None
        Version of the compiled part of the network; None where it is not installed.
    load : tuple of float
        Of the machine, before and after.
    simgrid : str or None
        Version; None where it is not installed.
    calibration : Calibration
    rows : tuple of Row
    """

    schema_: Literal["clustersim/benchmarks/1"] = Field(alias="schema")
    date: str
    commit: str
    machine: dict[str, Any]
    compiled: str | None = None
    load: tuple[float, ...]
    simgrid: str | None
    calibration: Calibration
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """Date and commit."""
        return f"{self.date}, {self.commit or 'no commit'}"

    def by_key(self) -> dict[str, Row]:
        """The rows."""
        return {row.key: row for row in self.rows}


def write_record(record: Record, path: Path) -> None:
    """Write it as JSON.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    try:
        path.write_text(record.model_dump_json(by_alias=True, indent=1, exclude_defaults=True) + "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot write the results: {error.strerror}") from None


def read_record(path: Path) -> Record:
    """Read one.

    Raises
    ------
    InputError
        If there is none, or it is not what `write_record` writes; the message is one line.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(f"{path}: cannot read a record of benchmarks: {reason}") from None
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{path}: {where}: expected a record of benchmarks ({SCHEMA}): {first['msg']}") from None


def records_in(folder: Path) -> Sequence[Path]:
    """The files of a history, the oldest first: their names begin with their dates."""
    return sorted(folder.glob("*.json"))
