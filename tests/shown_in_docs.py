"""What a page of docs/ shows, for tests that hold it to what the program does."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The contents of its fenced blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", text_of(page), flags=re.DOTALL)


def commands(page: str) -> list[tuple[str, str]]:
    """(arguments of a command, what stands below it), for every command with an output."""
    return re.findall(r"```sh\nclustersim (.*?)\n```\n\n```text\n(.*?)```", text_of(page), flags=re.DOTALL)


def printed_lines(clustersim, command: str) -> list[str]:
    """What a command prints, which must succeed."""
    code, out, _ = clustersim(*command.split())
    assert code == 0
    return [line.rstrip() for line in out.splitlines()]
