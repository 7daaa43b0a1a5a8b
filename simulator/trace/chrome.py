"""Traces as Chrome trace-event JSON, the format that Perfetto (ui.perfetto.dev) and chrome://tracing open.

One process a rank, one thread a lane, a complete event ("X") a span, and a flow arrow from the sender's span to the
receiver's for each message. Times in the file are microseconds, as the format demands. Everything a `Trace` holds
is in the file, so that reading it back gives the trace again.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.trace.chrome_reader import SCHEMA, read_trace
from simulator.trace.messages import match_messages
from simulator.trace.spans import Trace

__all__ = ["SCHEMA", "read_trace", "trace_events", "write_trace"]

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
    """Flow events from each sending span to the receiving span of the same message."""
    for first, second in match_messages(trace).pairs:
        sent, received = trace.spans[first], trace.spans[second]
        common = {"name": "message", "cat": sent.category, "id": first}
        yield {**common, "ph": "s", "pid": sent.rank, "tid": threads[sent.rank, sent.lane], "ts": sent.start * 1e6}
        end = {"ph": "f", "bp": "e", "pid": received.rank, "tid": threads[received.rank, received.lane]}
        yield {**common, **end, "ts": received.end * _MICROSECONDS}


def write_trace(trace: Trace, path: Path) -> None:
    """Write `trace` as one JSON file, compressed if its name ends in ``.gz``.

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
    data = json.dumps(document).encode()
    try:
        # No time stamp: the same trace gives the same file.
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
