"""Figures in files, with matplotlib (an optional extra): one place that says what can be drawn, begins and saves it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SUFFIXES", "check_drawable", "figure_for", "save_figure"]

SUFFIXES = (".svg", ".png", ".pdf")
_REMEDY = "drawing needs matplotlib: pip install 'clustersim[plot]'"


def check_drawable(path: Path) -> None:
    """Refuse what could not be drawn, before work is done for it.

    Raises
    ------
    InputError
        If the file's ending is no picture's, or matplotlib is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: expected a file name that ends in {', '.join(SUFFIXES)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError(_REMEDY)


def figure_for(path: Path, width: float, height: float, **options: Any) -> Figure:
    """An empty figure of so many inches, to be saved to `path`; raises as `check_drawable`."""
    check_drawable(path)
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:  # there, but not whole
        raise InputError(_REMEDY) from None
    figure = Figure(figsize=(width, height), **options)
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure to its file.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    try:
        figure.savefig(path, dpi=dpi)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
