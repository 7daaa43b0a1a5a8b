"""Pictures for notebooks and files: SVG drawn by this program itself, so that nothing has to be installed for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import InputError
from simulator.report.html.bars import stacked_bars
from simulator.report.html.run import breakdown_bar
from simulator.report.html.svg import plot_style
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.result import Result

__all__ = ["THEME", "Picture", "breakdown_picture"]

#: Words and lines take the colour of the text around them, so that a picture suits a notebook's theme, light or dark.
THEME = (
    ".clustersim .plot { --ink: currentcolor; --soft: currentcolor; --faint: #8a8a8a; --grid: #8a8a8a55;"
    " display: block; max-width: 44rem; }"
)


@dataclass(frozen=True)
class Picture:
    """A picture that a notebook shows, and that can be saved.

    Attributes
    ----------
    svg : str
        The markup of one picture.
    """

    svg: str

    def save(self, path: Path | str) -> None:
        """Write it as a file that stands alone.

        Raises
        ------
        InputError
            If the name does not end in .svg or cannot be written.
        """
        path = Path(path)
        if path.suffix != ".svg":
            raise InputError(f"{path}: expected a file name that ends in .svg")
        head, _, rest = self.svg.partition(">")
        try:
            path.write_text(f"{head}><style>{plot_style()}</style>{rest}\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None

    def _repr_html_(self) -> str:
        return f'<div class="clustersim"><style>{plot_style()}{THEME}</style>{self.svg}</div>'


def breakdown_picture(runs: Mapping[str, Result]) -> Picture:
    """Stacked bars, one a run: milliseconds of the critical path a gradient, by part."""
    bars = [
        breakdown_bar(name, result.breakdown, 1e3 / result.gradients, f"{result.throughput:,.0f} samples/s")
        for name, result in runs.items()
    ]
    label = "time of a gradient by part of the critical path: " + ", ".join(runs)
    return Picture(
        stacked_bars(bars, "time a gradient [ms]", label, lambda value: format_quantity(value / 1e3, "time"))
    )
