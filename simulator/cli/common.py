"""What commands share: options, loading, progress, and where results go."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.report.html.document import Report
    from simulator.scenario import Scenario

__all__ = [
    "ARGUMENTS",
    "check_plot",
    "check_report",
    "check_writable",
    "console",
    "explain_option",
    "load",
    "made_by",
    "progress",
    "report_option",
    "save_report",
    "scenario_options",
    "write_json",
]

#: For commands that show what they found as one page, too.
report_option = click.option(
    "--report",
    "report_path",
    type=click.Path(path_type=Path),
    help="Write a report, one page that needs nothing: .html.",
)

#: Where the context of a command keeps what was typed after ``clustersim``.
ARGUMENTS = "clustersim.arguments"

_WIDTH_WITHOUT_TERMINAL = 150


def scenario_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """SCENARIO, and what changes it: for commands that simulate one."""
    for decorate in (
        click.argument("scenario"),
        click.option(
            "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a key of the scenario."
        ),
        click.option("--seed", type=click.IntRange(min=0), help="Short for --set simulation.seed=…"),
        click.option("--exact", is_flag=True, help="Simulate every event, taking no shortcut; results are the same."),
        click.option(
            "--json", "json_path", metavar="FILE", help="Write the result as JSON ('-': standard output only)."
        ),
    ):
        command = decorate(command)
    return command


explain_option = click.option(
    "--explain", is_flag=True, help="Say which shortcuts the simulation took, and what they saved."
)


def load(scenario: str, assignments: Sequence[str], seed: int | None, exact: bool) -> Scenario:
    """The scenario that was asked for, with its overrides."""
    from simulator.scenario import Scenario, parse_assignment

    overrides = dict(parse_assignment(text) for text in assignments)
    if seed is not None:
        overrides["simulation.seed"] = seed
    if exact:
        overrides["simulation.exact"] = True
    return Scenario.load(scenario, overrides)


def console(json_path: str | None = None) -> Console:
    """Where tables go: standard output, or nowhere when that is kept for JSON."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
    return Console(width=width, quiet=json_path == "-", highlight=False)


def check_writable(*paths: str | Path | None) -> None:
    """Refuse outputs that could not be written or would replace one another, before work is done for them."""
    files: set[Path] = set()
    for path in paths:
        if path is None or path == "-":
            continue
        place = Path(path).resolve()
        if not place.parent.is_dir():
            raise InputError(f"{path}: cannot be written: there is no folder {place.parent}")
        if place.is_dir():
            raise InputError(f"{path}: cannot be written: it is a folder")
        if place in files:
            raise InputError(f"{path}: is to be written twice; expected another file for each output")
        if place.is_file() or not place.exists():  # a device such as /dev/null takes any number
            files.add(place)


def check_report(path: Path | None) -> None:
    """Refuse a report that could not be written, before work is done for it."""
    if path is not None:
        if path.suffix.lower() != ".html":
            raise InputError(f"--report {path}: expected a file name that ends in .html")
        check_writable(path)


def made_by() -> dict[str, str]:
    """What makes a report repeatable: the command as it was typed, the date, the versions of all that computes."""
    from simulator.report.html.provenance import provenance

    return provenance(["clustersim", *click.get_current_context().meta.get(ARGUMENTS, ())])


def save_report(path: Path, report: Report) -> None:
    """Write a report and say where it is."""
    from simulator.report.html.page import write_report

    write_report(path, report)
    print(f"report: {path}", file=sys.stderr)


def check_plot(path: Path | None) -> None:
    """Refuse a plot that could not be drawn, before work is done for it."""
    if path is not None:
        from simulator.figures import check_drawable

        check_writable(path)
        check_drawable(path)


def write_json(json_path: str | None, document: Any) -> None:
    """Write the JSON result to the file, or to standard output for ``-``."""
    if json_path is None:
        return
    text = json.dumps(document, indent=2, allow_nan=False)
    if json_path == "-":
        print(text)
        return
    try:
        Path(json_path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{json_path}: cannot be written ({error.strerror or error})") from None


@contextmanager
def progress(total: int, label: str) -> Iterator[Callable[[str, int], None]]:
    """A bar on standard error; yields ``show(what, completed)``. It stays invisible until a second has passed."""
    import time

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    task = bar.add_task(label, total=total)
    begun = time.monotonic()
    shown = False

    def show(what: str, completed: int) -> None:
        nonlocal shown
        if not shown and time.monotonic() - begun > 1.0:
            bar.start()
            shown = True
        bar.update(task, description=what, completed=completed)

    try:
        yield show
    finally:
        if shown:
            bar.stop()
