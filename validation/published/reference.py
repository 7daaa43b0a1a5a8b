"""Rows of the published tables, from the project's reference folder.

One CSV a source, with the columns ``system, devices, n, model, batch_per_device, metric, value, unit, source, notes``;
the folder's own README says where each comes from and what to mind.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import InputError

__all__ = ["Row", "default_reference", "folder_of", "read_rows"]

_COLUMNS = ("system", "devices", "n", "model", "batch_per_device", "metric", "value", "unit", "source", "notes")


@dataclass(frozen=True, slots=True)
class Row:
    """One published figure.

    Attributes
    ----------
    system, devices, model, metric, unit, source, notes : str
        As the table has them.
    n : int
        Devices that took part.
    batch : int
        Samples a device; 0 where the table has none.
    value : float
        In `unit`.
    """

    system: str
    devices: str
    n: int
    model: str
    batch: int
    metric: str
    value: float
    unit: str
    source: str
    notes: str

    def note(self, key: str) -> str:
        """The value of ``key=value`` among the notes, which semicolons divide; empty if it is not there."""
        for part in self.notes.split(";"):
            name, found, value = part.strip().partition("=")
            if found and name == key:
                return value
        return ""


def default_reference() -> Path:
    """``../shared/reference/published`` beside the project root."""
    return Path(__file__).resolve().parents[3] / "shared" / "reference" / "published"


def folder_of(reference: Path | None) -> Path:
    """The folder of the tables: the one given or its ``published``, or the project's own."""
    if reference is None:
        return default_reference()
    inner = reference / "published"
    return inner if inner.is_dir() else reference


def read_rows(folder: Path, name: str) -> list[Row]:
    """All rows of ``name.csv`` in file order.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing or a number is none.
    """
    path = folder / f"{name}.csv"
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: expected the column {missing[0]!r}")
            return [_row(cells, f"{path}: line {reader.line_num}") for cells in reader]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a published table") from None


def _row(cells: dict[str, str], where: str) -> Row:
    try:
        n, batch, value = int(cells["n"]), int(cells["batch_per_device"] or 0), float(cells["value"])
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {error}; expected numbers in 'n', 'batch_per_device' and 'value'") from None
    text = {key: cells[key] for key in ("system", "devices", "model", "metric", "unit", "source", "notes")}
    return Row(n=n, batch=batch, value=value, **text)
