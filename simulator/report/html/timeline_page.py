"""A timeline as a part of a page: names of lanes, the picture, a key of its colours, and the data for its script.

The picture is drawn here, so it is there without a script and in print; ``timeline.js`` adds moving, zooming and the
details of single spans, from the data that lie beside it. Times in the data are whole nanoseconds since the first of
the spans began; on the picture that stretch is `WIDE` units.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from html import escape

from simulator.report.html.axes import LinearAxis
from simulator.report.html.parts import part
from simulator.report.html.svg import element
from simulator.report.html.timeline import Timeline
from simulator.units import format_quantity

__all__ = ["timeline_markup"]

#: Units of the picture from its first to its last moment; a lane is so many pixels high.
WIDE, ROW = 10_000.0, 18
_INSET = 3
#: Ticks further right have no room for their words.
_LAST_TICK = 0.95


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
        if tick > _LAST_TICK * duration:
            continue
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
