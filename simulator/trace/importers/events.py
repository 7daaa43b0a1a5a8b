"""Chrome trace events of any program as intervals of one form, and the outermost of them that mean something.

Complete events ("X") and pairs of begin and end ("B", "E"; nested within a thread) become `Event`s; names of processes
and threads ("M") are kept; all other phases (counters, instants, flow arrows, asynchronous events) carry no time of a
thread and are passed over. Times in files are microseconds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from simulator.errors import InputError
from simulator.trace.json_events import EventDocument

__all__ = ["Event", "Events", "outermost", "read_events"]

_MICROSECOND = 1e-6
#: No time [us] is larger: 30 thousand years.
_LONGEST = 1e18
Meaning = TypeVar("Meaning")


class Event(NamedTuple):
    """One interval [s since `Events.origin`] of one thread; `number` is its place in the file."""

    number: int
    name: str
    kind: str
    process: int | str
    thread: int | str
    start: float
    end: float
    args: dict[str, Any]

    @property
    def where(self) -> str:
        """The event in words, for messages."""
        return f"traceEvents[{self.number}] ({self.name!r})"


@dataclass
class Events:
    """All intervals of a file, the names of its processes, and what had to be left out.

    `origin` is the file's time [us] that the intervals count from: times since an epoch leave a float too few digits.
    """

    intervals: list[Event] = field(default_factory=list)
    process_names: dict[int | str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    origin: float = 0.0


def read_events(document: EventDocument, repair: bool) -> Events:
    """The intervals of a document, in the order of the file.

    Raises
    ------
    InputError
        Naming the first event that cannot be, unless `repair` leaves such events out.
    """
    found = Events(notes=[document.lost] if document.lost else [])
    open_events: defaultdict[tuple[Any, Any], list[tuple[int, dict[str, Any], float]]] = defaultdict(list)
    left_out: list[str] = []
    for index, raw in enumerate(document.events):
        try:
            _take(index, raw, found, open_events)
        except _BadEventError as error:
            if not repair:
                raise InputError(f"{document.where}: {error}") from None
            left_out.append(str(error))
    for begun in open_events.values():
        for index, raw, _ in begun:
            problem = f"traceEvents[{index}] ({raw.get('name')!r}): begins ('B') but never ends ('E')"
            if not repair:
                raise InputError(f"{document.where}: {problem}; is the file truncated?")
            left_out.append(problem)
    if left_out:
        more = f" (and {len(left_out) - 1:,} more)" if len(left_out) > 1 else ""
        found.notes.append(f"{left_out[0]}{more}; left out")
    found.origin = float(math.floor(min((event.start for event in found.intervals), default=0.0)))
    found.intervals = [
        event._replace(start=(event.start - found.origin) * _MICROSECOND, end=(event.end - found.origin) * _MICROSECOND)
        for event in found.intervals
    ]
    return found


class _BadEventError(Exception):
    """An event that cannot be."""


def _take(index: int, raw: Any, found: Events, open_events: dict[tuple[Any, Any], list[Any]]) -> None:
    where = f"traceEvents[{index}]"
    if not isinstance(raw, dict):
        raise _BadEventError(f"{where}: expected an object, got {raw!r:.40}")
    phase, name = raw.get("ph"), raw.get("name")
    if phase not in ("X", "B", "E", "M"):
        return
    where = f"{where} ({name!r})"
    process, thread = _identity(where, raw, "pid"), _identity(where, raw, "tid")
    args = raw.get("args")
    args = args if isinstance(args, dict) else {}
    if phase == "M":
        if name == "process_name" and isinstance(args.get("name"), str):
            found.process_names[process] = args["name"]
        return
    start = _time(where, raw, "ts")
    if phase == "B":
        open_events[process, thread].append((index, raw, start))
        return
    if phase == "E":
        if not open_events[process, thread]:
            raise _BadEventError(f"{where}: ends ('E') what never began on pid {process}, tid {thread}")
        first, begun, begin = open_events[process, thread].pop()
        more = begun.get("args")
        args = {**(more if isinstance(more, dict) else {}), **args}
        index, raw, start, end = first, begun, begin, start
        if end < start:
            raise _BadEventError(f"{where}: ends at {end:.9g} us, before it began at {start:.9g} us")
    else:
        duration = _time(where, raw, "dur")
        if duration < 0:
            raise _BadEventError(f"{where}: dur: negative duration {duration:.9g} us")
        end = start + duration
    kind = raw.get("cat")
    kind = kind.lower() if isinstance(kind, str) else ""
    found.intervals.append(Event(index, str(raw.get("name", "")), kind, process, thread, start, end, args))


def _identity(where: str, raw: dict[str, Any], key: str) -> int | str:
    value = raw.get(key, 0)
    if not isinstance(value, int | str):
        raise _BadEventError(f"{where}: {key}: expected a number or text, got {value!r:.40}")
    return value


def _time(where: str, raw: dict[str, Any], key: str) -> float:
    value = raw.get(key)
    if isinstance(value, str):
        # Some writers put times in quotes.
        try:
            value = float(value)
        except ValueError:
            value = math.nan
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _BadEventError(f"{where}: {key}: expected a time in microseconds, got {value!r:.40}")
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    if not abs(value) < _LONGEST:
        raise _BadEventError(f"{where}: {key}: expected a finite time, got {raw.get(key)!r:.40}")
    return value


def outermost(
    events: Iterable[Event], meaning: Callable[[Event], Meaning | None]
) -> tuple[list[tuple[Event, Meaning]], list[Event]]:
    """Of the nested events of each thread, the outermost ones with a meaning; and the leaves that have none.

    An event with a meaning is taken as a whole, whatever it contains; one without is passed over for what it contains.
    """
    threads: defaultdict[tuple[Any, Any], list[Event]] = defaultdict(list)
    for event in events:
        threads[event.process, event.thread].append(event)
    taken: list[tuple[Event, Meaning]] = []
    unknown: list[Event] = []
    for of_thread in threads.values():
        of_thread.sort(key=lambda event: (event.start, -event.end, event.number))
        covered = -math.inf
        for place, event in enumerate(of_thread):
            # Times are rounded to nanoseconds, so a child may seem to begin where its parent ends.
            if event.start < covered and event.end <= covered + 1e-9:
                continue
            meant = meaning(event)
            if meant is not None:
                taken.append((event, meant))
                covered = max(covered, event.end)
            elif place + 1 == len(of_thread) or of_thread[place + 1].start >= event.end:
                unknown.append(event)
    return taken, unknown
