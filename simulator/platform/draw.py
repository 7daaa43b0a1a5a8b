"""Pictures of a platform as SVG, PNG or PDF, with matplotlib (an optional extra)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.figures import check_drawable, figure_for, save_figure
from simulator.hardware.cables import CableType
from simulator.platform.layout import Box, Line, Picture, fabric_picture, node_picture
from simulator.platform.platform import Platform
from simulator.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

# Okabe & Ito's palette, which colour-blind readers can tell apart.
_MEDIA = {
    "pcie": "#0072B2",
    "nvlink": "#009E73",
    "cpu-interconnect": "#D55E00",
    "infiniband": "#CC79A7",
    "ethernet": "#E69F00",
    "aries": "#CC79A7",
    "omni-path": "#CC79A7",
    "memory": "#56B4E9",
}
_FILLS = {
    "accelerator": "#CDE8DC",
    "host": "#F6DCC3",
    "node": "#CDE8DC",
    "nic": "#F3DCE8",
    "pcie-switch": "#D5E5F3",
    "nvswitch": "#E3F0D8",
    "switch": "#D5E5F3",
    "memory": "#E8E8E8",
}
_INCHES_A_UNIT = 0.95
_LARGEST_INCHES = 40.0


def draw(platform: Platform, path: Path) -> None:
    """Draw one node, and the fabric if there are several, into a file.

    Parameters
    ----------
    path : Path
        Ends in ``.svg``, ``.png`` or ``.pdf``.

    Raises
    ------
    InputError
        If matplotlib is not installed, or the file's suffix is another one or it cannot be written.
    """
    check_drawable(path)
    pictures = [node_picture(platform)]
    if platform.nodes > 1:
        pictures.append(fabric_picture(platform))
    extents = [_extent(picture) for picture in pictures]
    width = max(right - left for left, right, _, _ in extents)
    heights = [top - bottom for _, _, bottom, top in extents]
    scale = min(_INCHES_A_UNIT, _LARGEST_INCHES / width, _LARGEST_INCHES / sum(heights))
    height = max(scale * sum(heights), 2.0) + 0.7 * len(pictures)
    figure = figure_for(path, max(scale * width, 5.0), height)
    grid = figure.add_gridspec(len(pictures), 1, height_ratios=heights)
    for row, (picture, extent) in enumerate(zip(pictures, extents, strict=True)):
        _paint(figure.add_subplot(grid[row, 0]), picture, extent, scale)
    figure.tight_layout()
    save_figure(figure, path, dpi=110)


def _extent(picture: Picture) -> tuple[float, float, float, float]:
    """Left, right, bottom and top, with a margin and room for what sags."""
    boxes = picture.boxes.values()
    sag = max((line.bend for line in picture.lines), default=0.0)
    left, right = min(box.x - box.width / 2 for box in boxes), max(box.x + box.width / 2 for box in boxes)
    bottom, top = min(box.y - box.height / 2 for box in boxes), max(box.y + box.height / 2 for box in boxes)
    return left - 0.3, right + 0.3, bottom - 0.3 - 0.5 * sag, top + 0.3


def _paint(axes: Axes, picture: Picture, extent: tuple[float, float, float, float], scale: float) -> None:
    from matplotlib.patches import FancyBboxPatch, PathPatch
    from matplotlib.path import Path as Curve

    left, right, bottom, top = extent
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    axes.axis("off")
    axes.set_title(picture.title, fontsize=10, loc="left")
    crowd = len(picture.lines)
    alpha = 0.9 if crowd < 80 else 0.5 if crowd < 400 else 0.25
    for line in picture.lines:
        first, last = picture.boxes[line.source], picture.boxes[line.target]
        points = _curve(first, last, line.bend)
        style: dict[str, Any] = {"edgecolor": _MEDIA.get(line.cable.medium, "#555555"), "facecolor": "none"}
        curve = Curve(points, [Curve.MOVETO] + [Curve.CURVE3 if len(points) == 3 else Curve.LINETO] * (len(points) - 1))
        axes.add_patch(PathPatch(curve, linewidth=_line_width(line.cable), alpha=alpha, zorder=1, **style))
    for box in picture.boxes.values():
        shape = FancyBboxPatch(
            (box.x - box.width / 2, box.y - box.height / 2),
            box.width,
            box.height,
            boxstyle=f"round,pad=0,rounding_size={min(0.08, box.height / 4, box.width / 4)}",
            facecolor=_FILLS.get(box.kind, "#E8E8E8"),
            edgecolor="#444444",
            linewidth=0.7,
            zorder=2,
        )
        axes.add_patch(shape)
        size = _font_size(box, scale)
        if size >= 2.5:
            axes.text(box.x, box.y, box.label, ha="center", va="center", fontsize=size, zorder=3)
    _legend(axes, picture.lines)


def _curve(first: Box, last: Box, bend: float) -> list[tuple[float, float]]:
    """From edge to edge of two boxes: straight, or sagging from below both, or from the left of both."""
    if bend and first.x == last.x:
        left = first.x - first.width / 2, last.x - last.width / 2
        return [(left[0], first.y), (min(left) - 0.5 * bend - 0.2, (first.y + last.y) / 2), (left[1], last.y)]
    if bend:
        low = first.y - first.height / 2, last.y - last.height / 2
        return [(first.x, low[0]), ((first.x + last.x) / 2, min(low) - bend), (last.x, low[1])]
    if abs(first.y - last.y) <= (first.height + last.height) / 2:
        return [(first.x, first.y), (last.x, last.y)]
    down = 1 if first.y > last.y else -1
    return [(first.x, first.y - down * first.height / 2), (last.x, last.y + down * last.height / 2)]


def _line_width(cable: CableType) -> float:
    return min(0.8 + 0.5 * cable.count, 5.0)


def _font_size(box: Box, scale: float) -> float:
    """Points that let the label fit into its box; a letter is about 0.65 of the font size wide, a line 1.25 high."""
    rows = box.label.split("\n")
    wide = 72 * scale * 0.94 * box.width / (0.65 * max(map(len, rows)))
    high = 72 * scale * 0.9 * box.height / (1.25 * len(rows))
    return min(9.0, wide, high)


def _legend(axes: Axes, lines: Sequence[Line]) -> None:
    from matplotlib.lines import Line2D

    kinds = {_label(line.cable): line.cable for line in lines}
    handles = [
        Line2D([], [], color=_MEDIA.get(cable.medium, "#555555"), linewidth=_line_width(cable), label=label)
        for label, cable in kinds.items()
    ]
    if handles:
        axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, fontsize=7, frameon=False)


def _label(cable: CableType) -> str:
    times = f"{cable.count} x " if cable.count > 1 else ""
    return f"{times}{cable.profile}: {format_quantity(cable.bandwidth, 'bandwidth')}"
