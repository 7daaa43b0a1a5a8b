"""One rank's recording, and several of them as one trace with their clocks aligned.

Each profiler writes a file for its own process, by its own clock. Files of one host that give absolute times agree
already; others are aligned by what all ranks do together: the ends of the collectives that nobody can leave before all
have come (the median over them, since each rank's end is late by a little of its own), else the ends of steps, else
their beginnings. The trace says what was used and how far the single differences scatter.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import median

from simulator.errors import InputError, UnknownNameError, located
from simulator.trace.causes import infer_causes
from simulator.trace.clocks import ClockEstimate, estimate_clocks, known_orders, set_clocks
from simulator.trace.importers.options import ImportOptions
from simulator.trace.lanes import separate
from simulator.trace.messages import match_collectives, match_messages
from simulator.trace.spans import Category, RankInfo, Span, Trace
from simulator.units import format_quantity

__all__ = ["BETWEEN_RANKS", "Recording", "Step", "merge"]

#: Category of spans whose category is known only when all ranks' hosts are.
BETWEEN_RANKS = "between-ranks"
_ROUNDING = 1e-9
_METHODS = ("auto", "collectives", "steps", "none")


@dataclass(frozen=True, slots=True)
class Step:
    """One training step of a rank: its number and its times [s] by the recording's clock."""

    number: int
    start: float
    end: float


@dataclass
class Recording:
    """What one rank's file holds: spans by its own clock [s], each with its step's number.

    `rank` is None where the file does not say; `host` is empty where it does not. `epoch` [ns] is the time of the
    clock at the recording's 0, an integer because a float has too few digits; `absolute` if that clock is the host's.
    """

    where: str
    program: str
    spans: list[Span]
    steps: list[Step] = field(default_factory=list)
    rank: int | None = None
    world_size: int | None = None
    host: str = ""
    device: str = "cpu"
    devices_per_host: int = 0
    backend: str = ""
    epoch: int = 0
    absolute: bool = False
    notes: list[str] = field(default_factory=list)


def merge(recordings: Sequence[Recording], options: ImportOptions) -> Trace:
    """One trace of all ranks: clocks aligned, beginning at 0, with lanes that hold one thing at a time and with causes.

    Raises
    ------
    InputError
        If two files are of the same rank, nothing is in them, or the ranks' times contradict one another.
    """
    if options.align not in _METHODS:
        raise UnknownNameError("way to align clocks", options.align, _METHODS)
    numbered = _numbered(recordings)
    for recording in recordings:
        if not recording.spans:
            raise InputError(f"{recording.where}: holds no operation of a training step; nothing to import")
    hosts = {host: number for number, host in enumerate(dict.fromkeys(r.host for r in numbered.values()))}
    across = _several_nodes(list(numbered.values()))
    between = Category.NODE_NODE_PARAMETERS if across else Category.GPU_GPU_PARAMETERS
    first_step = min((step.number for r in recordings for step in r.steps), default=0)
    spans = [
        span._replace(
            rank=rank,
            step=max(0, span.step - first_step),
            category=between.value if span.category == BETWEEN_RANKS else span.category,
        )
        for rank, recording in numbered.items()
        for span in (_fused if options.merge_gap > 0 else _on_lanes)(recording.spans, options.merge_gap)
    ]
    notes = [note for recording in recordings for note in recording.notes]
    infos = [RankInfo(rank, "worker", r.device, "imported", hosts[r.host]) for rank, r in numbered.items()]
    with located(recordings[0].where):
        trace, clocks = _aligned(_with_whole_messages(Trace(tuple(infos), spans), notes), numbered, options)
    trace = infer_causes(trace)
    trace.metadata |= {"imported_from": recordings[0].program, "clocks": clocks, "first_step": first_step}
    times = {str(rank): [step.end - step.start for step in r.steps] for rank, r in numbered.items() if r.steps}
    if times:
        trace.metadata["step_times_s"] = times
    world = max((r.world_size or 0 for r in recordings), default=0)
    if world:
        trace.metadata["world_size"] = world
    if world > len(recordings):
        notes.append(f"{len(recordings)} of {world} ranks: what the others did is not known")
    if options.batch_size is not None:
        trace.metadata["batch_size"] = options.batch_size
    if notes:
        trace.metadata["notes"] = notes
    return trace


def _with_whole_messages(trace: Trace, notes: list[str]) -> Trace:
    """Messages whose other side is in no file are time spent, not messages."""
    alone = set(match_messages(trace).alone)
    if not alone:
        return trace
    notes.append(f"{len(alone):,} sends or receives whose other side is in no file; kept as time spent")
    spans = [span._replace(peer=-1) if index in alone else span for index, span in enumerate(trace.spans)]
    return Trace(trace.ranks, spans, trace.metadata)


def _numbered(recordings: Sequence[Recording]) -> dict[int, Recording]:
    """Recordings by rank; those that do not say get the lowest free numbers in the order given."""
    numbered: dict[int, Recording] = {}
    for recording in recordings:
        if recording.rank is not None:
            if recording.rank in numbered:
                other = numbered[recording.rank].where
                raise InputError(
                    f"{recording.where}: is of rank {recording.rank}, and so is {other}; expected one each"
                )
            numbered[recording.rank] = recording
    free = (number for number in range(len(recordings)) if number not in numbered)
    for recording in recordings:
        if recording.rank is None:
            numbered[next(free)] = recording
    return dict(sorted(numbered.items()))


def _several_nodes(recordings: list[Recording]) -> bool:
    if len({r.host for r in recordings}) > 1:
        return True
    world, devices = recordings[0].world_size or 1, recordings[0].devices_per_host
    return not recordings[0].host and 0 < devices < world


def _on_lanes(spans: list[Span], gap: float) -> list[Span]:
    """Spans on lanes without overlaps; those of one kind and step that follow each other within `gap` [s] as one.

    A pause in which something of another lane ends is waiting for that, not a pause of the program between two kernels.
    """
    by_lane = [list(of_lane) for _, of_lane in groupby(sorted(spans, key=lambda s: s.lane), key=lambda s: s.lane)]
    ends = {of_lane[0].lane: [span.end for span in of_lane] for of_lane in by_lane}
    made: list[Span] = []
    for of_lane in by_lane:
        lane = of_lane[0].lane
        others = sorted(end for other, found in ends.items() if other != lane for end in found)
        numbers = separate(of_lane, _ROUNDING)
        for number in sorted(set(numbers)):
            chosen = [span for span, own in zip(of_lane, numbers, strict=True) if own == number]
            chosen.sort(key=lambda span: (span.start, span.end))
            name = lane if number == 0 else f"{lane} ({number + 1})"
            made += _run_together([span._replace(lane=name) for span in chosen], others, gap)
    return made


def _run_together(spans: list[Span], others: list[float], gap: float) -> list[Span]:
    made: list[Span] = []
    for span in spans:
        if made and gap > 0:
            last = made[-1]
            alike = (last.category, last.name, last.step, last.peer) == (span.category, span.name, span.step, span.peer)
            waited = bisect_right(others, last.end) < bisect_right(others, span.start)
            whole = span.category == BETWEEN_RANKS or span.peer >= 0
            if alike and not whole and span.start - last.end <= gap and not waited:
                made[-1] = last._replace(end=max(last.end, span.end), bytes=last.bytes + span.bytes)
                continue
        made.append(span)
    return made


def _fused(spans: list[Span], gap: float) -> list[Span]:
    """As `_on_lanes`, and computation cut where it starts communication, so that each has its cause.

    As in simulated traces, the last part of a step's computation is the gradient, the others are parts of it.
    """
    made = _on_lanes(spans, gap)
    starts = sorted(span.start for span in made if span.category == BETWEEN_RANKS)
    pieces: list[Span] = []
    last_of_step: dict[int, float] = {}
    for span in made:
        if span.category != Category.FORWARD_BACKWARD:
            pieces.append(span)
            continue
        within = starts[bisect_right(starts, span.start) : bisect_left(starts, span.end)]
        times = [span.start, *within, span.end]
        pieces += [span._replace(start=begin, end=end) for begin, end in pairwise(times) if end > begin]
        last_of_step[span.step] = max(last_of_step.get(span.step, span.end), span.end)
    return [
        span._replace(name="gradient part")
        if span.name == "gradient" and span.end < last_of_step.get(span.step, span.end)
        else span
        for span in pieces
    ]


def _aligned(trace: Trace, numbered: dict[int, Recording], options: ImportOptions) -> tuple[Trace, list[str]]:
    """The trace with all ranks on the clock of the first, from time 0 on, and how that was done."""
    reference = next(iter(numbered))
    methods = ("collectives", "steps") if options.align == "auto" else (options.align,)
    offsets = dict.fromkeys(numbered, 0.0)
    said: list[str] = []
    begun = min(recording.epoch for recording in numbered.values())
    epochs = {rank: (recording.epoch - begun) * 1e-9 for rank, recording in numbered.items()}
    trace = set_clocks(trace, ClockEstimate(reference, epochs, offsets))
    one_file = len({r.where for r in numbered.values()}) == 1
    one_host = len({r.host for r in numbered.values()}) == 1 and all(r.absolute and r.host for r in numbered.values())
    one_clock = one_file or one_host
    if len(numbered) > 1 and options.align != "none" and not (options.align == "auto" and one_clock and _holds(trace)):
        offsets, said = _offsets(trace, numbered, methods, reference)
    elif len(numbered) > 1:
        what = "times of one file" if one_file else "absolute times of one host"
        said = [f"{what}, which no collective contradicts: taken as they are"] if one_clock else []
    still = dict.fromkeys(numbered, 0.0)
    shifted = set_clocks(trace, ClockEstimate(reference, offsets, still))
    if options.align != "none" and not _holds(shifted):
        estimate = estimate_clocks(shifted)
        shifted = set_clocks(shifted, estimate)
        said += [f"{line} (so that nobody leaves a collective before all have come)" for line in estimate.describe()]
    return shifted, said


def _holds(trace: Trace) -> bool:
    """Whether everything whose order is known is in that order."""
    rounding = _ROUNDING * trace.duration if trace.spans else 0.0
    return all(order.end >= order.start - rounding for order in known_orders(trace))


def _offsets(
    trace: Trace, numbered: dict[int, Recording], methods: Sequence[str], reference: int
) -> tuple[dict[int, float], list[str]]:
    """What to add to each rank's clock [s], and where from."""
    offsets, said = {reference: 0.0}, []
    for rank in numbered:
        if rank == reference:
            continue
        for method in methods:
            differences = (_collective_ends if method == "collectives" else _step_ends)(
                trace, numbered, reference, rank
            )
            if differences:
                offsets[rank] = median(differences)
                scatter = median(abs(d - offsets[rank]) for d in differences)
                what = "collectives" if method == "collectives" else "steps"
                said.append(
                    f"rank {rank}: shifted by {format_quantity(offsets[rank], 'time')}, by the ends of "
                    f"{len(differences)} {what}, which scatter by {format_quantity(scatter, 'time')}"
                )
                break
        else:
            first = {r: min(span.start for span in trace.spans if span.rank == r) for r in (reference, rank)}
            offsets[rank] = first[reference] - first[rank]
            said.append(f"rank {rank}: shifted so that it begins with rank {reference}; nothing in common to go by")
    return offsets, said


def _collective_ends(trace: Trace, numbered: dict[int, Recording], reference: int, rank: int) -> list[float]:
    differences = []
    for call in match_collectives(trace):
        ends = {trace.spans[index].rank: trace.spans[index].end for index in call}
        if reference in ends and rank in ends:
            differences.append(ends[reference] - ends[rank])
    return differences


def _step_ends(trace: Trace, numbered: dict[int, Recording], reference: int, rank: int) -> list[float]:
    ends = {step.number: step.end for step in numbered[reference].steps}
    apart = (numbered[reference].epoch - numbered[rank].epoch) * 1e-9
    return [apart + ends[step.number] - step.end for step in numbered[rank].steps if step.number in ends]
