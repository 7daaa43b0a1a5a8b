"""What runs say of the shortcuts they took, for ``--explain``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from simulator.result import Result

__all__ = ["shortcuts_table"]


def shortcuts_table(rows: Sequence[tuple[str, Result]]) -> Table:
    """A row for each shortcut of each run: whether it was taken, and what that saved or why not."""
    table = Table(title="shortcuts: same results, less work", title_justify="left", caption_justify="left")
    table.caption = "--exact takes none; what they are: docs/speed.md"
    several = len(rows) > 1
    for heading in (*(("run",) if several else ()), "shortcut", "taken", ""):
        table.add_column(heading)
    for name, result in rows:
        for place, one in enumerate(result.shortcuts.found):
            run = (name if place == 0 else "",) if several else ()
            table.add_row(*run, one.name, "yes" if one.taken else "no", one.remark)
    return table
