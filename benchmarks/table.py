"""A record as a table: for a terminal, or in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.record import Record, Row

__all__ = ["markdown", "page_cells", "print_cells", "print_record", "record_cells"]

_HEADER = (
    "workload", "simulated s", "off form", "off SimGrid", "ours s", "exact s", "SimGrid s", "ratio", "needed", "",
    "of CPU", "of figure", "MB", "SimGrid MB", "ratio", "messages/s", "exact",
)  # fmt: skip

#: What a page has room for.
_ON_A_PAGE = (0, 1, 4, 5, 6, 7, 8, 9, 11, 12, 13)

CAPTION = """\
s = best wall seconds, start-up apart; ratio = SimGrid's over ours, of its way of updating rates that is quicker and
gives our times (F full, L lazy; * the figure, where it is not installed); of CPU = of processor time; of figure = of
what was seen of SimGrid 4.1 elsewhere; off = relative difference of simulated times; MB = peak of the process, and
the ratio of ours to SimGrid's; messages/s: ours, and without shortcuts."""


def record_cells(record: Record) -> tuple[Sequence[str], list[list[str]]]:
    """Header and rows."""
    return _HEADER, [_cells(row) for row in record.rows]


def page_cells(record: Record) -> tuple[Sequence[str], list[list[str]]]:
    """The columns that a page has room for; ``ratio`` stands for that of wall time."""
    return [_HEADER[place] for place in _ON_A_PAGE], [
        [_cells(row)[place] for place in _ON_A_PAGE] for row in record.rows
    ]


def print_record(record: Record, console: Console) -> None:
    """Machine, table, and what is to be said about it."""
    machine = record.machine
    console.print(
        f"{record.title}: {machine['cores']} cores, {machine['processor']}, Python {machine['python']}, "
        f"compiled part of the network: {record.compiled or 'no'}; "
        f"SimGrid {record.simgrid or 'not here'}; load {record.load[0]} to {record.load[-1]}; "
        f"bare SimPy {record.calibration.best:,.0f} events/s"
    )
    print_cells(*record_cells(record), console, CAPTION)
    for note in notes(record):
        console.print(note)


def notes(record: Record) -> list[str]:
    """What was left out, what misses, what differs."""
    found = [f"{row.key}: {note}" for row in record.rows for note in row.notes]
    judged = [row for row in record.rows if row.met is not None]
    if judged:
        found.append(f"{sum(bool(row.met) for row in judged)} of {len(judged)} requirements met")
    differences = [peer[1].difference for row in record.rows if (peer := row.peer) and not row.chaotic]
    if differences:
        found.append(f"largest difference from SimGrid's times: {max(differences):.1e}")
    if any(row.chaotic for row in record.rows):
        found.append(
            "chaotic, so that no two programs end together: "
            + "; ".join(
                f"{row.key}: {row.peer[1].difference:.0e} off" if row.peer else row.key
                for row in record.rows
                if row.chaotic
            )
        )
    return found + [f"TIMES DIFFER: {text}" for row in record.rows for text in row.disagreements]


def print_cells(header: Sequence[str], rows: Sequence[Sequence[str]], console: Console, caption: str = "") -> None:
    """As a table for the terminal."""
    table = Table(caption=caption, caption_justify="left", padding=(0, 1))
    for place, name in enumerate(header):
        table.add_column(name, justify="right" if place else "left", no_wrap=True, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As a table for a page."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Row) -> list[str]:
    ours, exact, peer = row.ours, row.exact, row.peer
    return [
        row.key,
        f"{ours.end_s:.8g}" if ours else "",
        _difference(row.form_difference),
        _difference(peer[1].difference if peer else None),
        _seconds(ours.wall if ours else None),
        _seconds(exact.wall if exact else None),
        f"{_seconds(row.peer_wall_s)}{f' {peer[0][0]}' if peer else ' *' if row.figure_s else ''}",
        _ratio(row.ratio),
        _needed(row),
        {None: "", True: "met", False: "missed"}[row.met],
        _ratio(row.cpu_ratio),
        _ratio(row.figure_ratio),
        f"{ours.peak_bytes / 1e6:.0f}" if ours else "",
        f"{peer[1].peak_bytes / 1e6:.0f}" if peer else "",
        _ratio(row.memory_ratio),
        _rate(row.messages, ours.wall if ours else None),
        _rate(row.messages, exact.wall if exact else None),
    ]


def _needed(row: Row) -> str:
    bounds = []
    if row.least_ratio:
        bounds.append(f"{row.least_ratio:g}")
    if row.most_wall_s:
        bounds.append(f"{row.most_wall_s:g} s")
    if row.most_bytes:
        bounds.append(f"{row.most_bytes / 2**30:g} GiB")
    return ", ".join(bounds)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _difference(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.0e}"


def _rate(messages: int, wall: float | None) -> str:
    return f"{messages / wall:,.0f}" if wall and messages else ""
