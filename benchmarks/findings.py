"""Growth, changes and profiles as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.changes import changes, same_machine
from benchmarks.record import Record
from benchmarks.table import markdown, print_cells

if TYPE_CHECKING:
    from benchmarks.growth import Curve
    from benchmarks.layers import Profile

__all__ = ["growth_cells", "print_changes", "print_profile", "print_table"]


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], as_markdown: bool) -> None:
    """For a page, or for the terminal."""
    if as_markdown:
        print(markdown(header, rows))
    else:
        print_cells(header, rows, Console(width=180))


def growth_cells(curves: Sequence[Curve]) -> tuple[Sequence[str], list[list[str]]]:
    """A row a curve: its exponent, and processor seconds at a few sizes."""
    header = ["work", "way", "sizes", "exponent", "CPU seconds at sizes of the fit"]
    rows = []
    for curve in curves:
        sizes = sorted(curve.seconds)
        fitted = [size for size in sizes if 10 * size >= sizes[-1]]
        rows.append(
            [
                curve.family,
                curve.way,
                f"{sizes[0]:,} to {sizes[-1]:,}" if sizes else "none in time",
                "" if curve.exponent is None else f"{curve.exponent:.2f}",
                ", ".join(f"{size:,}: {curve.seconds[size]:.3g}" for size in fitted),
            ]
        )
    return header, rows


def print_changes(old: Record, new: Record, console: Console) -> None:
    """Every run that both records have."""
    alike = same_machine(old, new)
    console.print(f"from {old.title} to {new.title}")
    console.print(f"bare SimPy {old.calibration.best:,.0f} to {new.calibration.best:,.0f} events/s")
    found = list(changes(old, new))
    rows = [
        [
            change.key,
            change.way,
            f"{change.before:.3g}",
            f"{change.after:.3g}",
            f"{change.factor:.2g}",
            f"{change.threshold:.0%}",
            change.verdict,
            f"{change.memory:.2f}",
            "DIFFERS" if change.times_differ else "",
        ]
        for change in found
    ]
    header = ("case", "way", "before CPU s", "after CPU s", "factor", "noise", "", "memory", "simulated time")
    unit = "of processor time" if alike else "of processor time in units of bare SimPy, as the machines differ"
    print_cells(header, rows, console, f"factor {unit}, after over before; a change within the noise is none")
    counts = [sum(change.verdict == verdict for change in found) for verdict in ("faster", "slower")]
    alone = len(old.by_key().keys() ^ new.by_key().keys())
    console.print(f"{counts[0]} faster, {counts[1]} slower of {len(found)}; {alone} cases are in one record only")


def print_profile(name: str, profile: Profile, console: Console) -> None:
    """Rate, layers, and the functions that take most."""
    rate = f"{profile.messages / profile.cpu_s:,.0f} messages a second, " if profile.messages else ""
    console.print(f"{name}: {rate}{profile.cpu_s:.3g} s of processor time; under cProfile:")
    total = sum(profile.seconds.values())
    rows = [[layer, f"{seconds / total:.0%}"] for layer, seconds in profile.seconds.items() if seconds > 0.005 * total]
    print_cells(("layer", "of the time"), rows, console)
    top = [[where, f"{seconds / total:.1%}", f"{calls:,}"] for where, seconds, calls in profile.top]
    print_cells(("function, with the library functions it calls", "of the time", "calls"), top, console)
