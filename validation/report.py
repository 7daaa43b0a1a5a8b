"""Findings as documents: Markdown of one part for its README, and a report of several parts as a file."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from simulator.errors import InputError, SimulatorError
from simulator.report.html.svg import plot_style
from validation.checks import Findings, Progress
from validation.rendering.cells import by_section, outcome_of_part, summary
from validation.rendering.html import html_report
from validation.rendering.markdown import part_markdown, table
from validation.rendering.plots import error_strips, predicted_against_measured

__all__ = ["SUFFIXES", "TITLE", "check_report", "print_part", "render_markdown", "write_report"]

SUFFIXES = (".html", ".md")
TITLE = "clustersim: predicted against measured"


def render_markdown(findings: Findings, level: int = 1) -> str:
    """One part as Markdown, every row of it, under a heading of `level`."""
    return part_markdown(findings, level)


def print_part(find: Callable[[Progress], Findings]) -> int:
    """Print one part as Markdown, with its progress on standard error.

    Returns
    -------
    int
        The exit code: 0, or 1 if a verdict fails, or 2 if the part cannot be found out.
    """
    try:
        found = find(lambda what, share: print(f"{share:4.0%} {what}", file=sys.stderr))
    except SimulatorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if found.missing:
        print(found.missing, file=sys.stderr)
        return 2
    print(render_markdown(found), end="")
    return 0 if found.passed else 1


def check_report(path: Path) -> None:
    """Refuse what could not be written, before work is done for it; raises InputError."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"--report {path}: expected a file name that ends in {' or '.join(SUFFIXES)}")


def write_report(findings: Sequence[Findings], path: Path, provenance: Mapping[str, str]) -> list[Path]:
    """Write the report and return the files that were written, itself first.

    An HTML report is one file. The plots of a Markdown report are SVG files in the folder ``<its name>-plots``.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    check_report(path)
    if path.suffix.lower() == ".html":
        files = {path: html_report(findings, TITLE, provenance)}
    else:
        files = _markdown_files(findings, path, provenance)
    for file, text in files.items():
        try:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{file}: cannot be written ({error.strerror or error})") from None
    return list(files)


def _markdown_files(findings: Sequence[Findings], path: Path, provenance: Mapping[str, str]) -> dict[Path, str]:
    folder = path.with_name(f"{path.stem}-plots")
    drawn: dict[Path, str] = {}
    parts = []
    for part in findings:
        pictures = {}
        for section, picture in _plots(part):
            name = "-".join(re.findall(r"[a-z0-9]+", f"{part.part} {section or 'errors'}".lower())) + ".svg"
            drawn[folder / name] = _alone(picture)
            pictures[section] = f"{folder.name}/{name}"
        parts.append(part_markdown(part, 2, pictures))
    return {path: "\n".join([*_head(findings), *parts, *_foot(provenance)]), **drawn}


def _plots(part: Findings) -> Iterator[tuple[str, str]]:
    """Section and picture; the errors of all sections under ""."""
    for section, picture in (
        ("", error_strips(part)),
        *((name, predicted_against_measured(checks)) for name, checks in by_section(part).items()),
    ):
        if picture:
            yield section, picture


def _alone(picture: str) -> str:
    """An SVG with its style inside, for a file of its own."""
    return picture.replace(">", f">\n<style>{plot_style()}</style>\n", 1) + "\n"


def _head(findings: Sequence[Findings]) -> Iterator[str]:
    yield from (f"# {TITLE}", "")
    rows = ((part.title, outcome_of_part(part), summary(part)) for part in findings)
    yield from table(("part", "result", ""), rows)


def _foot(provenance: Mapping[str, str]) -> Iterator[str]:
    others = [f"{name} {value}" for name, value in provenance.items() if name not in ("command", "date")]
    yield from ("", "## How this was made", "", f"    {provenance['command']}", "")
    yield f"{provenance['date']}; {', '.join(others)}\n"
