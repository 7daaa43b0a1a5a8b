"""Reading back the Chrome trace-event JSON that `simulator.trace.chrome` writes, with messages that name the event."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.trace.json_events import EventDocument, read_document
from simulator.trace.spans import NO_CAUSE, RankInfo, Span, Trace

__all__ = ["EXPECTED", "SCHEMA", "is_trace", "read_trace", "trace_of"]

SCHEMA = "clustersim/trace/1"
#: What `read_trace` reads, for messages about files that are something else.
EXPECTED = "a trace written by 'clustersim run --trace' or 'clustersim record'"


def read_trace(path: Path, recover: bool = False) -> Trace:
    """Read a trace that `write_trace` wrote.

    Only what makes a trace unreadable is refused here; whether its events can be true together is for
    `simulator.trace.checks.check` to say.

    Parameters
    ----------
    recover : bool
        Keep what can be read: the complete events of a file that is cut short, leaving out single events that are no
        spans and causes that are not there. What was lost is noted in ``metadata["repairs"]``.

    Raises
    ------
    InputError
        If the file is missing, truncated, from another program, or holds a span that ends before it starts; the
        message names the event.
    """
    return trace_of(read_document(path, EXPECTED, recover), recover)


def is_trace(document: EventDocument) -> bool:
    """Whether a document says that it is a trace of this project."""
    header = document.header.get("otherData")
    return isinstance(header, dict) and header.get("schema") == SCHEMA


def trace_of(document: EventDocument, recover: bool = False) -> Trace:
    """The trace that a document holds; see `read_trace`."""
    header = document.header.get("otherData")
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        found = header.get("schema") if isinstance(header, dict) else None
        raise InputError(f"{document.where}: otherData.schema: expected {SCHEMA!r}, got {found!r}")
    try:
        trace, lanes = Trace(_ranks(header), metadata=_metadata(header)), _lanes(document.events)
    except _BadEventError as error:
        raise InputError(f"{document.where}: {error}") from None
    notes = [document.lost] if document.lost else []
    known_ranks = {rank.index for rank in trace.ranks}
    places: dict[int, int] = {}
    written = 0
    for number, event in enumerate(document.events):
        try:
            if not isinstance(event, dict):
                raise _BadEventError(f"traceEvents[{number}]: expected an object, got {type(event).__name__}")
            if event.get("ph") != "X":
                continue
            written += 1
            span = _span(f"traceEvents[{number}] ({event.get('name')!r})", event, lanes)
            if not recover:
                _refuse_impossible(f"traceEvents[{number}] ({event.get('name')!r})", span, known_ranks, trace)
        except _BadEventError as error:
            if not recover:
                raise InputError(f"{document.where}: {error}") from None
            notes.append(f"{error}; left out")
            continue
        if recover:
            # Causes count all spans that were written, also those left out.
            span = span._replace(cause=places.get(span.cause, NO_CAUSE))
        places[written - 1] = trace.add(span)
    if notes:
        trace.metadata["repairs"] = notes
    return trace


class _BadEventError(Exception):
    """An event that cannot be part of a trace."""


def _refuse_impossible(where: str, span: Span, known_ranks: set[int], trace: Trace) -> None:
    if not (math.inf > span.end >= span.start >= 0.0):
        raise _BadEventError(f"{where}: ends at {span.end} s but starts at {span.start} s; expected 0 <= start <= end")
    if span.rank not in known_ranks:
        raise _BadEventError(f"{where}: rank {span.rank} is not in otherData.ranks")
    if not NO_CAUSE <= span.cause < len(trace.spans):
        raise _BadEventError(f"{where}: cause {span.cause} is not an earlier span")


def _ranks(header: dict[str, Any]) -> tuple[RankInfo, ...]:
    ranks = header.get("ranks")
    if not isinstance(ranks, list):
        raise _BadEventError("otherData.ranks: expected a list")
    made = []
    for number, rank in enumerate(ranks):
        where = f"otherData.ranks[{number}]"
        if not isinstance(rank, dict):
            raise _BadEventError(f"{where}: expected an object, got {rank!r:.40}")
        role, device, profile = (_text(where, rank, key) for key in ("role", "device", "profile"))
        made.append(RankInfo(_integer(where, rank, "index"), role, device, profile, _integer(where, rank, "node")))
    return tuple(made)


def _metadata(header: dict[str, Any]) -> dict[str, object]:
    metadata = header.get("metadata", {})
    if not isinstance(metadata, dict):
        raise _BadEventError(f"otherData.metadata: expected an object, got {metadata!r:.40}")
    return dict(metadata)


def _lanes(events: list[Any]) -> dict[tuple[int, int], str]:
    """The name of each (process, thread)."""
    lanes: dict[tuple[int, int], str] = {}
    for number, event in enumerate(events):
        if isinstance(event, dict) and event.get("ph") == "M" and event.get("name") == "thread_name":
            where = f"traceEvents[{number}] ('thread_name')"
            key = (_integer(where, event, "pid"), _integer(where, event, "tid"))
            lanes[key] = _text(f"{where}: args", _object(where, event, "args"), "name")
    return lanes


def _span(where: str, event: dict[str, Any], lanes: dict[tuple[int, int], str]) -> Span:
    process, thread = _integer(where, event, "pid"), _integer(where, event, "tid")
    if (process, thread) not in lanes:
        raise _BadEventError(f"{where}: not a complete trace: no thread_name for pid {process}, tid {thread}")
    args = _object(where, event, "args")
    start, end, size = (_number(where, args, key) for key in ("start_s", "end_s", "bytes"))
    step, peer, cause = (_integer(where, args, key) for key in ("step", "peer", "cause"))
    category, name = _text(where, event, "cat"), _text(where, event, "name")
    return Span(process, lanes[process, thread], category, name, start, end, size, step, peer, cause)


def _required(where: str, table: dict[str, Any], key: str) -> Any:
    if key not in table:
        raise _BadEventError(f"{where}: {key}: missing; not a complete trace")
    return table[key]


def _integer(where: str, table: dict[str, Any], key: str) -> int:
    value = _required(where, table, key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _BadEventError(f"{where}: {key}: expected an integer, got {value!r:.40}")
    return value


def _number(where: str, table: dict[str, Any], key: str) -> float:
    value = _required(where, table, key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _BadEventError(f"{where}: {key}: expected a number, got {value!r:.40}")
    try:
        return float(value)
    except OverflowError:
        raise _BadEventError(f"{where}: {key}: expected a number that a float can hold") from None


def _text(where: str, table: dict[str, Any], key: str) -> str:
    value = _required(where, table, key)
    if not isinstance(value, str):
        raise _BadEventError(f"{where}: {key}: expected text, got {value!r:.40}")
    return value


def _object(where: str, table: dict[str, Any], key: str) -> dict[str, Any]:
    value = _required(where, table, key)
    if not isinstance(value, dict):
        raise _BadEventError(f"{where}: {key}: expected an object, got {value!r:.40}")
    return value
