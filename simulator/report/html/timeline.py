"""The timeline of a few steps: which lane of which rank did what when, to be looked at closely.

The picture is drawn here, so it is there without a script and in print; ``timeline.js`` adds moving, zooming and the
details of single spans, from the data that lie beside it. Times in the data are whole nanoseconds since the first of
the spans began; on the picture that stretch is `WIDE` units.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from simulator.errors import InputError
from simulator.report.html.axes import LinearAxis
from simulator.report.html.parts import part
from simulator.report.html.svg import element
from simulator.trace import Trace, critical_path
from simulator.trace.lanes import separate
from simulator.trace.messages import match_messages
from simulator.trace.spans import RankInfo, Span
from simulator.units import format_quantity

__all__ = ["LIMIT", "Timeline", "few_steps", "timeline", "timeline_markup"]

#: Spans that a page holds with ease.
LIMIT = 3000
#: Units of the picture from its first to its last moment; a lane is so many pixels high.
WIDE, ROW = 10_000.0, 18
_STEPS = 3
_INSET = 3


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a timeline shows.

    Attributes
    ----------
    first, last : int
        Steps, both included.
    ranks : tuple of RankInfo
        Those that are shown.
    lanes : sequence of (int, str)
        Rank and name of each row, from the top.
    spans : sequence of Span
        In order of their starts.
    rows, partners, causes : sequence of int
        For each span: its row; the other end of its message and the span that let it start, or -1.
    critical : sequence of bool
        For each span: whether it is on the critical path of the run.
    left_out : int
        Ranks with spans in these steps that are not shown.
    """

    first: int
    last: int
    ranks: tuple[RankInfo, ...]
    lanes: Sequence[tuple[int, str]]
    spans: Sequence[Span]
    rows: Sequence[int]
    partners: Sequence[int]
    causes: Sequence[int]
    critical: Sequence[bool]
    left_out: int = 0

    @property
    def start(self) -> float:
        """When the first span began, in seconds since the start of the run."""
        return min(span.start for span in self.spans)

    @property
    def duration(self) -> float:
        """From there to the end of the last one [s]."""
        return max(span.end for span in self.spans) - self.start


def few_steps(trace: Trace, limit: int = LIMIT) -> tuple[int, int]:
    """First and last of up to three steps in the middle of a run, fewer where they hold more than `limit` spans."""
    counts: defaultdict[int, int] = defaultdict(int)
    for span in trace.spans:
        counts[span.step] += 1
    end = max(counts, default=0)
    first = last = end // 2
    while last - first + 1 < min(_STEPS, end + 1):
        following = last + 1 if last < end else first - 1
        if sum(counts[step] for step in range(min(first, following), max(last, following) + 1)) > limit:
            break
        first, last = min(first, following), max(last, following)
    return first, last


def timeline(trace: Trace, steps: tuple[int, int] | None = None, limit: int = LIMIT) -> Timeline:
    """The timeline of the steps, or of a few in the middle of the run.

    Where they hold more than `limit` spans, it shows as many ranks as do not: first those on the critical path, then
    by number.

    Raises
    ------
    InputError
        If the trace has no such steps.
    """
    first, last = steps or few_steps(trace, limit)
    chosen = [place for place, span in enumerate(trace.spans) if first <= span.step <= last]
    if not chosen:
        known = max((span.step for span in trace.spans), default=0)
        raise InputError(f"steps {first} to {last}: expected steps between 0 and {known}")
    pieces = critical_path(trace)
    decisive = {id(piece.span) for piece in pieces if piece.span is not None}
    on_path = {piece.span.rank for piece in pieces if piece.span is not None and first <= piece.span.step <= last}
    kept = _ranks(trace.spans, chosen, on_path, limit)
    everybody = {trace.spans[place].rank for place in chosen}
    chosen = sorted(
        (place for place in chosen if trace.spans[place].rank in kept),
        key=lambda place: (trace.spans[place].start, place),
    )
    number = {place: order for order, place in enumerate(chosen)}
    spans = [trace.spans[place] for place in chosen]
    lanes, rows = _rows(spans)
    return Timeline(
        first,
        last,
        tuple(rank for rank in trace.ranks if rank.index in kept),
        lanes,
        spans,
        rows,
        _partners(trace.ranks, spans),
        [number.get(span.cause, -1) for span in spans],
        [id(span) in decisive for span in spans],
        len(everybody) - len(kept),
    )


def _ranks(spans: Sequence[Span], chosen: Sequence[int], on_path: set[int], limit: int) -> set[int]:
    """Ranks whose spans are no more than `limit` together, and at least one."""
    counts: defaultdict[int, int] = defaultdict(int)
    for place in chosen:
        counts[spans[place].rank] += 1
    kept: set[int] = set()
    held = 0
    for rank in sorted(counts, key=lambda rank: (rank not in on_path, rank)):
        if kept and held + counts[rank] > limit:
            break
        kept.add(rank)
        held += counts[rank]
    return kept


def _rows(spans: Sequence[Span]) -> tuple[list[tuple[int, str]], list[int]]:
    """Rank and lane of each row, and each span's row; spans of a lane that share time get rows of their own."""
    by_lane: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for order, span in enumerate(spans):
        by_lane[span.rank, span.lane].append(order)
    lanes: list[tuple[int, str]] = []
    rows = [0] * len(spans)
    rounding = 1e-9 * max(span.end for span in spans)
    for lane, orders in sorted(by_lane.items()):
        numbers = separate([spans[order] for order in orders], rounding)
        for order, number in zip(orders, numbers, strict=True):
            rows[order] = len(lanes) + number
        lanes += [lane] * (1 + max(numbers))
    return lanes, rows


def _partners(ranks: tuple[RankInfo, ...], spans: Sequence[Span]) -> list[int]:
    partners = [-1] * len(spans)
    for send, receive in match_messages(Trace(ranks, list(spans))).pairs:
        partners[send], partners[receive] = receive, send
    return partners


# Markup ---------------------------------------------------------------------------------------------------------------


def timeline_markup(shown: Timeline) -> str:
    """The timeline as HTML: names of lanes, the picture, a legend, how to use it, and the data for its script."""
    which = f"step {shown.first}" if shown.first == shown.last else f"steps {shown.first} to {shown.last}"
    extent = format_quantity(shown.duration, "time", 4)
    label = f"Timeline of {which}, {extent}: arrow keys go from span to span, plus and minus zoom"
    return "\n".join(
        (
            "<div class=timeline>",
            f'<div class=view tabindex=0 role=group aria-label="{escape(label)}">',
            f"<div class=scale>{''.join(_ticks(shown.duration))}</div>",
            f"<div class=rows><ol class=lanes>{''.join(_names(shown))}</ol>",
            f"<div class=spans>{_picture(shown, label)}<div class=words></div></div></div>",
            "</div>",
            "<p class=readout role=status></p>",
            f"<ul class=key>{''.join(_key(shown))}</ul>",
            f"<p class=soft>{escape(_caption(shown, which, extent))}</p>",
            f'<script type="application/json">{_data(shown)}</script>',
            "</div>",
        )
    )


def _caption(shown: Timeline, which: str, extent: str) -> str:
    words = f"{which.capitalize()}: {len(shown.spans):,} spans in {extent}. Underlined: the critical path of the run."
    if shown.left_out:
        words += (
            f" {len(shown.ranks)} ranks are shown, those of the critical path first; {shown.left_out} more are not."
        )
    return words


def _ticks(duration: float) -> Iterator[str]:
    for tick in LinearAxis(0.0, duration, 0.0, 100.0).ticks() if duration > 0.0 else ():
        yield f'<span style="left:{100 * tick / duration:.2f}%">{escape(format_quantity(tick, "time"))}</span>'


def _names(shown: Timeline) -> Iterator[str]:
    roles = {rank.index: rank.role for rank in shown.ranks}
    previous: tuple[int, str] | None = None
    for rank, lane in shown.lanes:
        again = (rank, lane) == previous
        begins = previous is None or previous[0] != rank
        name = "" if again else f"{roles.get(rank, 'rank')} {rank} {lane}"
        yield f"<li{' class=begins' if begins else ''}>{escape(name)}</li>"
        previous = (rank, lane)


def _picture(shown: Timeline, label: str) -> str:
    height = ROW * len(shown.lanes)
    scale = WIDE / shown.duration if shown.duration > 0.0 else 0.0
    parts = []
    underlined = []
    for span, row, critical in zip(shown.spans, shown.rows, shown.critical, strict=True):
        left, across = (span.start - shown.start) * scale, span.duration * scale
        top = ROW * row + 1
        high = ROW - 2 - _INSET
        d = f"M{left:.2f} {top}h{across:.2f}v{high}h-{across:.2f}z"
        parts.append(f'<path class="s {part(span.category).kind}" d="{d}"/>')
        if critical:
            underlined.append(f"M{left:.2f} {top + high + 2}h{across:.2f}")
    ends: dict[int, float] = {}
    for span in shown.spans:
        ends[span.step] = max(ends.get(span.step, 0.0), span.end)
    borders = "".join(
        f"M{(ends[step] - shown.start) * scale:.2f} 0V{height}"
        for step in range(shown.first, shown.last)
        if step in ends
    )
    return element(
        "svg",
        element("title", escape(label))
        + element("path", d=borders or None, class_="border")
        + "".join(parts)
        + element("path", d="".join(underlined) or None, class_="critical"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDE:g} {height}",
        height=height,
        preserveAspectRatio="none",
        role="img",
        class_="plot",
    )


def _key(shown: Timeline) -> Iterator[str]:
    totals: defaultdict[str, float] = defaultdict(float)
    for span in shown.spans:
        totals[span.category] += span.duration
    for category in sorted(totals, key=lambda name: -totals[name]):
        look = part(category)
        sign = f'<path class="s {look.kind}" d="M0 0h12v12h-12z"/>'
        yield f'<li><svg class="plot" viewBox="0 0 12 12" aria-hidden="true">{sign}</svg>{escape(look.words)}</li>'


def _data(shown: Timeline) -> str:
    """What the script needs, with nothing in it that could end the element."""
    names = list(dict.fromkeys(span.name for span in shown.spans))
    kinds = list(dict.fromkeys(str(span.category) for span in shown.spans))
    name_number = {name: place for place, name in enumerate(names)}
    kind_number = {kind: place for place, kind in enumerate(kinds)}
    document = {
        "wide": WIDE,
        "row": ROW,
        "start": shown.start,
        "duration": round(shown.duration * 1e9),
        "names": names,
        "parts": [part(kind).words for kind in kinds],
        "ranks": {rank.index: f"{rank.role} {rank.index}, {rank.device} ({rank.profile})" for rank in shown.ranks},
        "lanes": [lane for _, lane in shown.lanes],
        "spans": [
            [
                row,
                kind_number[str(span.category)],
                name_number[span.name],
                round((span.start - shown.start) * 1e9),
                round(span.duration * 1e9),
                round(span.bytes),
                span.step,
                span.rank,
                span.peer,
                partner,
                cause,
                int(critical),
            ]
            for span, row, partner, cause, critical in zip(
                shown.spans, shown.rows, shown.partners, shown.causes, shown.critical, strict=True
            )
        ],
    }
    text = json.dumps(document, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
