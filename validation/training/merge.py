"""From the journals of all ranks to one trace on one clock.

Both sides of a message wrote down when they were ready and when it was over for them. The message starts when the later
of them was ready, as in the simulator; time that a side spent before that was waiting, and is in no span.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulator.trace.causes import infer_causes
from simulator.trace.spans import NO_CAUSE, RankInfo, Span, Trace
from validation.training.clock import Alignment, Offset
from validation.training.journal import NO_CHANNEL, Entry, read_journal

__all__ = ["alignments", "merge"]

#: A message, the same on both sides: sender, receiver, channel, order.
_Key = tuple[int, int, int, int]


def alignments(folder: Path, processes: int) -> list[Alignment]:
    """How the clock of each process relates to that of process 0, as far as it was measured before the run ended."""
    found = []
    for process in range(processes):
        whole, begun = folder / f"process-{process}.json", folder / f"clock-{process}.json"
        if whole.exists():
            before, after = (Offset(*offset) for offset in json.loads(whole.read_text(encoding="utf-8"))["clock"])
            found.append(Alignment(before, after))
        elif begun.exists():
            at, value = json.loads(begun.read_text(encoding="utf-8"))
            found.append(Alignment(Offset(at, value, 0.0)))
        else:
            found.append(Alignment(Offset(0.0, 0.0, 0.0)))
    return found


def merge(folder: Path, ranks: Sequence[RankInfo], homes: Sequence[int], metadata: dict[str, Any]) -> Trace:
    """The trace of the run whose processes have left their files in `folder`.

    Parameters
    ----------
    ranks : sequence of RankInfo
        Who took part.
    homes : sequence of int
        The process of each rank.
    metadata : dict
        Of the trace.
    """
    clocks = alignments(folder, max(homes) + 1)
    entries: list[tuple[int, Entry]] = []
    for info in ranks:
        path = folder / f"journal-{info.index}"
        if path.exists():
            clock = clocks[homes[info.index]]
            for entry in read_journal(path).entries:
                aligned = entry._replace(start=clock.common(entry.start), end=clock.common(entry.end))
                entries.append((info.index, aligned))
    zero = _begin(folder, clocks, [entry.start for _, entry in entries])
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


def _begin(folder: Path, clocks: Sequence[Alignment], starts: Sequence[float]) -> float:
    """When the first process began, on the common clock; when the first span did, if no process came to its end."""
    begins = []
    for process, clock in enumerate(clocks):
        path = folder / f"process-{process}.json"
        if path.exists():
            begins.append(clock.common(json.loads(path.read_text(encoding="utf-8"))["begin"]))
    return min(begins) if len(begins) == len(clocks) else min(starts, default=0.0)


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
