"""Findings as documents: Markdown of one part for its README, and a report of several parts as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from simulator.errors import InputError
from validation.checks import Findings
from validation.rendering.markdown import part_markdown

__all__ = ["SUFFIXES", "check_report", "render_markdown", "write_report"]

SUFFIXES = (".html", ".md")


def render_markdown(findings: Findings, level: int = 1) -> str:
    """One part as Markdown, every row of it, under a heading of `level`."""
    return part_markdown(findings, level)


def check_report(path: Path) -> None:
    """Refuse what could not be written, before work is done for it; raises InputError."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"--report {path}: expected a file name that ends in {' or '.join(SUFFIXES)}")


def write_report(findings: Sequence[Findings], path: Path, provenance: Mapping[str, str]) -> list[Path]:
    """Write the report and return the files that were written, itself first.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    check_report(path)
    text = "\n".join(part_markdown(part, 2) for part in findings)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    return [path]
