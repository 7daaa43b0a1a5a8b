"""Chrome trace-event JSON of any program, with simple rules for what its events mean.

Of the nested events of a thread, the outermost whose name a rule knows counts, as a whole; the rules of the user come
first, those here know the words that training programs usually use. Each process is a rank (or, on request, all of a
file are one), lanes are compute, copy, network and host by category. A step is an event named like ``step 3``; without
any, the whole file is one step. ``bytes`` (or ``size``), ``peer`` and ``step`` are taken from an event's arguments
where they stand there.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any, TypeGuard

from simulator.errors import InputError, UnknownNameError
from simulator.trace.importers.events import Event, Events, outermost, read_events
from simulator.trace.importers.kineto import collective_of
from simulator.trace.importers.options import ImportOptions, Rule
from simulator.trace.importers.recordings import BETWEEN_RANKS, Recording, Step
from simulator.trace.json_events import EventDocument
from simulator.trace.spans import NO_CAUSE, Category, Span

__all__ = ["read_chrome_events"]

_STEP = re.compile(
    r"^\W*(?:\w+\W+)?(?:train(?:ing)?[ _]?)?(?:step|iteration|iter|batch)[\s#_:=]*(\d{1,12})\W*$", re.IGNORECASE
)
_RANK = re.compile(r"\b(?:rank|worker|replica|process)[\s#_:=]*(\d{1,9})\b", re.IGNORECASE)


def _rule(words: str, category: str) -> Rule:
    return Rule(re.compile(words, re.IGNORECASE), category)


#: The first that fits decides.
_RULES = (
    _rule(
        r"all[_ -]?reduce|all[_ -]?gather|all[_ -]?to[_ -]?all|reduce[_ -]?scatter|broadcast|nccl|gloo|barrier"
        r"|\bmpi_?|\b(?:i?send|i?recv|receive)\b|\breduce\b|push[_ ]?(?:grad|param|weight)|pull[_ ]?(?:param|weight)",
        BETWEEN_RANKS,
    ),
    _rule(
        r"memcpy|h2d|d2h|host[_ ]?to[_ ]?device|load[_ ]?batch|data[_ ]?load|next[_ ]?batch|prefetch", "cpu_gpu_data"
    ),
    _rule(r"optimi[sz]er|\bupdate|apply[_ ]?grad|sgd|adam|weight[_ ]?update", "device_update"),
    _rule(
        r"forward|backward|gradient|\bgrad\b|conv|gemm|matmul|\bfwd\b|\bbwd\b|\bcompute\b|loss|relu"
        r"|batch[_ ]?norm|softmax|pool|linear|attention|embedding",
        "forward_backward",
    ),
)
_LANES: dict[str, str] = {
    Category.CPU_GPU_DATA: "copy",
    Category.HOST_UPDATE: "host",
    Category.DEVICE_UPDATE: "compute",
    Category.FORWARD_BACKWARD: "compute",
}
_PROCESSES = ("ranks", "lanes")


def read_chrome_events(document: EventDocument, options: ImportOptions) -> list[Recording]:
    """A recording for each rank of the file.

    Raises
    ------
    InputError
        If an event cannot be, or no rule knows any event's name; the message lists some names and the remedy.
    """
    if options.processes not in _PROCESSES:
        raise UnknownNameError("meaning of processes", options.processes, _PROCESSES)
    events = read_events(document, options.repair)
    processes = sorted({event.process for event in events.intervals}, key=str)
    shared = options.processes == "lanes" or len(processes) < 2
    recordings, unknown = [], []
    for process in [None] if shared else processes:
        of_rank = [event for event in events.intervals if process is None or event.process == process]
        recording, unnamed = _recording(document, events, of_rank, options)
        name = events.process_names.get(process if process is not None else processes[0] if processes else 0, "")
        found = _RANK.search(name)
        recording.rank = int(found[1]) if found else None
        unknown += unnamed
        if recording.spans:
            recordings.append(recording)
    if not recordings:
        some = ", ".join(sorted({repr(event.name) for event in unknown})[:5]) or "no intervals at all"
        raise InputError(
            f"{document.where}: no rule knows what its events are ({some}); "
            "say so with rules such as --rule 'my_kernel=forward_backward'"
        )
    recordings[0].notes += events.notes
    if unknown:
        names = sorted({event.name for event in unknown})
        recordings[0].notes.append(
            f"{document.where}: {len(unknown):,} events that no rule knows were left out: {', '.join(names[:5])}"
            + (f" and {len(names) - 5} more names" if len(names) > 5 else "")
        )
    return recordings


def _recording(
    document: EventDocument, events: Events, intervals: list[Event], options: ImportOptions
) -> tuple[Recording, list[Event]]:
    """The recording of some events, and the leaves that no rule knows."""
    steps = sorted(
        (Step(int(match[1]), event.start, event.end) for event in intervals if (match := _STEP.match(event.name))),
        key=lambda step: step.start,
    )
    rules = (*options.rules, *_RULES)

    def meaning(event: Event) -> str | None:
        if _STEP.match(event.name) and not any(rule.pattern.search(event.name) for rule in options.rules):
            return None
        text = f"{event.name} {event.kind}" if event.kind else event.name
        found = next((rule.category for rule in rules if rule.pattern.search(text)), None)
        return found

    taken, unknown = outermost(intervals, meaning)
    starts = [step.start for step in steps]
    spans = []
    for event, category in taken:
        if not category:
            continue
        place = bisect_right(starts, event.start) - 1
        step = event.args.get("step")
        if not isinstance(step, int):
            step = steps[max(0, place)].number if steps else 0
        spans.append(_span(event, category, step))
    recording = Recording(document.where, "Chrome trace", spans, steps, epoch=round(events.origin * 1000))
    return recording, [event for event in unknown if not _STEP.match(event.name)]


def _span(event: Event, category: str, step: int) -> Span:
    parameters = category == BETWEEN_RANKS or category.endswith("_parameters")
    name = event.name
    if parameters:
        name = collective_of(event.name) or event.name
    peer = next((int(v) for key in ("peer", "dst", "src", "dest", "source") if _rank(v := event.args.get(key))), -1)
    if name in ("send", "receive"):
        name = f"{name} message" if peer >= 0 else name
    else:
        peer = -1
    size = next((float(v) for key in ("bytes", "size", "nbytes") if _amount(v := event.args.get(key))), 0.0)
    lane = "network" if parameters else _LANES.get(category, "host")
    return Span(0, lane, category, name, event.start, event.end, size, step, peer, NO_CAUSE)


def _rank(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _amount(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e300
