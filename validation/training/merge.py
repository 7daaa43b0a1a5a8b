"""From the journals of all ranks to one trace on one clock.

Both sides of a message wrote down when they were ready and when it was over for them. The message starts when the later
of them was ready, as in the simulator; time that a side spent before that was waiting, and is in no span.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.trace.causes import infer_causes
from simulator.trace.spans import NO_CAUSE, RankInfo, Span, Trace
from validation.training.clock import Alignment, Offset
from validation.training.journal import NO_CHANNEL, Entry, read_journal

__all__ = ["ProcessRecord", "beginning", "merge", "read_processes"]

#: A message, the same on both sides: sender, receiver, channel, order.
_Key = tuple[int, int, int, int]


@dataclass(frozen=True)
class ProcessRecord:
    """What a process has left of itself.

    Attributes
    ----------
    clock : Alignment
        How its clock relates to that of process 0, as far as that was measured before it ended.
    begin : float or None
        When its run began, by its own clock [s]; None of one that did not come to its end.
    staleness : tuple of int
        Of each update of a shared array.
    used : dict
        What it used of its machine while its ranks ran; see `validation.training.process.used_since`.
    """

    clock: Alignment
    begin: float | None = None
    staleness: tuple[int, ...] = ()
    used: Mapping[str, float] = field(default_factory=dict)


def read_processes(folder: Path, processes: int) -> tuple[ProcessRecord, ...]:
    """What each of so many processes has left in `folder`."""
    return tuple(_read_process(folder, process) for process in range(processes))


def _read_process(folder: Path, process: int) -> ProcessRecord:
    whole, begun = folder / f"process-{process}.json", folder / f"clock-{process}.json"
    if whole.exists():
        left = json.loads(whole.read_text(encoding="utf-8"))
        before, after = (Offset(*offset) for offset in left["clock"])
        return ProcessRecord(Alignment(before, after), left["begin"], tuple(left["staleness"]), left["used"])
    if begun.exists():
        at, value = json.loads(begun.read_text(encoding="utf-8"))
        return ProcessRecord(Alignment(Offset(at, value, 0.0)))
    return ProcessRecord(Alignment(Offset(0.0, 0.0, 0.0)))


def beginning(processes: Sequence[ProcessRecord]) -> float | None:
    """When the first process began, on the common clock [s]; None if one did not come to its end."""
    begins = [process.clock.common(process.begin) for process in processes if process.begin is not None]
    return min(begins) if len(begins) == len(processes) else None


def merge(
    folder: Path,
    ranks: Sequence[RankInfo],
    homes: Sequence[int],
    processes: Sequence[ProcessRecord],
    metadata: dict[str, Any],
) -> Trace:
    """The trace of the run whose processes have left their files in `folder`.

    Parameters
    ----------
    ranks : sequence of RankInfo
        Who took part.
    homes : sequence of int
        The process of each rank.
    processes : sequence of ProcessRecord
        Without the beginning of all of them, time begins with the first span.
    metadata : dict
        Of the trace.
    """
    entries: list[tuple[int, Entry]] = []
    for info in ranks:
        path = folder / f"journal-{info.index}"
        if path.exists():
            clock = processes[homes[info.index]].clock
            for entry in read_journal(path).entries:
                aligned = entry._replace(start=clock.common(entry.start), end=clock.common(entry.end))
                entries.append((info.index, aligned))
    begin = beginning(processes)
    zero = min((entry.start for _, entry in entries), default=0.0) if begin is None else begin
    starts = _message_starts(entries)
    spans = []
    for (rank, entry), start in zip(entries, starts, strict=True):
        spans.append(
            Span(
                rank=rank,
                lane=entry.lane,
                category=entry.category,
                name=entry.name,
                start=max(start - zero, 0.0),
                end=max(entry.end - zero, start - zero, 0.0),
                bytes=entry.bytes,
                step=entry.step,
                peer=entry.peer,
                cause=NO_CAUSE,
            )
        )
    return infer_causes(Trace(tuple(ranks), spans, metadata))


def _message_starts(entries: Sequence[tuple[int, Entry]]) -> list[float]:
    """When each entry starts: a message when both of its sides are ready, anything else when it says."""
    starts = [entry.start for _, entry in entries]
    sides: dict[_Key, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for index, (rank, entry) in enumerate(entries):
        if entry.channel == NO_CHANNEL:
            continue
        sends = entry.name.startswith("send ")
        ends = (rank, entry.peer) if sends else (entry.peer, rank)
        sides[(*ends, entry.channel, entry.order)][0 if sends else 1].append(index)
    for sent, received in sides.values():
        # The layers of an unpacked message carry the same number; they arrive in order.
        for one, other in zip(sent, received, strict=False):
            starts[one] = starts[other] = max(starts[one], starts[other])
    return starts
