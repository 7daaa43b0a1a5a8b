"""Traces as Chrome trace-event JSON, the format that Perfetto (ui.perfetto.dev) and chrome://tracing open.

One process a rank, one thread a lane, a complete event ("X") a span, and a flow arrow from the sender's span to the
receiver's for each message. Times in the file are microseconds, as the format demands. Everything a `Trace` holds
is in the file, so that reading it back gives the trace again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.trace.spans import NO_CAUSE, RankInfo, Span, Trace

__all__ = ["SCHEMA", "read_trace", "trace_events", "write_trace"]

SCHEMA = "clustersim/trace/1"
_MICROSECONDS = 1e6


def trace_events(trace: Trace) -> Iterator[dict[str, Any]]:
    """The trace's events: names of ranks and lanes first, then spans, then message arrows."""
    threads = {lane: number for number, lane in enumerate(trace.lanes(), start=1)}
    for rank in trace.ranks:
        label = f"rank {rank.index} {rank.role} on {rank.device} ({rank.profile})"
        yield {"ph": "M", "name": "process_name", "pid": rank.index, "args": {"name": label}}
        yield {"ph": "M", "name": "process_sort_index", "pid": rank.index, "args": {"sort_index": rank.index}}
    for (rank_index, lane), number in threads.items():
        yield {"ph": "M", "name": "thread_name", "pid": rank_index, "tid": number, "args": {"name": lane}}
    for span in trace.spans:
        yield {
            "ph": "X",
            "name": span.name,
            "cat": span.category,
            "pid": span.rank,
            "tid": threads[span.rank, span.lane],
            "ts": span.start * _MICROSECONDS,
            "dur": (span.end - span.start) * _MICROSECONDS,
            "args": {
                "start_s": span.start,
                "end_s": span.end,
                "bytes": span.bytes,
                "step": span.step,
                "peer": span.peer,
                "cause": span.cause,
            },
        }
    yield from _arrows(trace, threads)


def _arrows(trace: Trace, threads: dict[tuple[int, str], int]) -> Iterator[dict[str, Any]]:
    """Flow events from each sending span to the receiving span that the trace holds right behind it."""
    for index, (sent, received) in enumerate(zip(trace.spans, trace.spans[1:], strict=False)):
        is_message = sent.peer == received.rank and received.peer == sent.rank and sent.start == received.start
        if not is_message or not sent.name.startswith("send") or not received.name.startswith("receive"):
            continue
        common = {"name": "message", "cat": sent.category, "id": index}
        yield {**common, "ph": "s", "pid": sent.rank, "tid": threads[sent.rank, sent.lane], "ts": sent.start * 1e6}
        end = {"ph": "f", "bp": "e", "pid": received.rank, "tid": threads[received.rank, received.lane]}
        yield {**common, **end, "ts": received.end * _MICROSECONDS}


def write_trace(trace: Trace, path: Path) -> None:
    """Write `trace` as one JSON file.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    document = {
        "displayTimeUnit": "ms",
        "otherData": {
            "schema": SCHEMA,
            "ranks": [
                {"index": r.index, "role": r.role, "device": r.device, "profile": r.profile, "node": r.node}
                for r in trace.ranks
            ],
            "metadata": trace.metadata,
        },
        "traceEvents": list(trace_events(trace)),
    }
    try:
        path.write_text(json.dumps(document), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def read_trace(path: Path) -> Trace:
    """Read a trace that `write_trace` wrote.

    Raises
    ------
    InputError
        If the file is missing, truncated, from another program, or holds a span that ends before it starts; the
        message names the event.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a trace written by 'clustersim run --trace'") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not valid JSON ({error}); is the file truncated?") from None
    header = document.get("otherData", {}) if isinstance(document, dict) else {}
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        found = header.get("schema") if isinstance(header, dict) else None
        raise InputError(f"{path}: otherData.schema: expected {SCHEMA!r}, got {found!r}")
    try:
        return _from_document(document, header)
    except _BadEventError as error:
        raise InputError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a complete trace: {type(error).__name__} {error}") from None


class _BadEventError(Exception):
    """An event that cannot be part of a trace."""


def _from_document(document: dict[str, Any], header: dict[str, Any]) -> Trace:
    events = document["traceEvents"]
    lanes = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e.get("name") == "thread_name"}
    trace = Trace(tuple(RankInfo(**rank) for rank in header["ranks"]), metadata=dict(header.get("metadata", {})))
    known_ranks = {rank.index for rank in trace.ranks}
    for number, event in enumerate(events):
        if event.get("ph") != "X":
            continue
        where = f"traceEvents[{number}] ({event.get('name')!r})"
        args = event["args"]
        span = Span(
            rank=int(event["pid"]),
            lane=str(lanes[event["pid"], event["tid"]]),
            category=str(event["cat"]),
            name=str(event["name"]),
            start=float(args["start_s"]),
            end=float(args["end_s"]),
            bytes=float(args["bytes"]),
            step=int(args["step"]),
            peer=int(args["peer"]),
            cause=int(args["cause"]),
        )
        if not span.end >= span.start >= 0.0:
            raise _BadEventError(
                f"{where}: ends at {span.end} s but starts at {span.start} s; expected 0 <= start <= end"
            )
        if span.rank not in known_ranks:
            raise _BadEventError(f"{where}: rank {span.rank} is not in otherData.ranks")
        if not NO_CAUSE <= span.cause < len(trace.spans):
            raise _BadEventError(f"{where}: cause {span.cause} is not an earlier span")
        trace.add(span)
    return trace
