"""Where the measured rows come from: the tables of the project's reference folder, or the workbooks of a clone."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from simulator.errors import InputError
from validation.deepbench.clone import is_clone, read_clone

__all__ = ["HOW_TO_GET", "default_reference", "located_reference", "read_table"]

HOW_TO_GET = (
    "expected gemm.csv, conv.csv and allreduce.csv of the project's reference folder, "
    "or a clone of baidu-research/DeepBench (its results/train/*.xlsx)"
)
Row = TypeVar("Row")


def default_reference() -> Path:
    """``../shared/reference/deepbench`` beside the project root."""
    return Path(__file__).resolve().parents[3] / "shared" / "reference" / "deepbench"


def located_reference(reference: Path | None) -> Path | None:
    """The folder to read: what the user named or its ``deepbench``, else the default; None if neither has the data."""
    places = [default_reference()] if reference is None else [reference, reference / "deepbench"]
    return next((place for place in places if (place / "gemm.csv").is_file() or is_clone(place)), None)


def read_table(folder: Path, table: str, convert: Callable[[dict[str, str]], Iterable[Row]]) -> list[Row]:
    """What `convert` makes of every row of ``gemm``, ``conv`` or ``allreduce``, in order.

    Raises
    ------
    InputError
        If the rows cannot be read; the message names the file, the line and the column.
    """
    path = folder / f"{table}.csv"
    if not path.is_file() and is_clone(folder):
        return [made for row in read_clone(folder, table) for made in convert(row)]
    found: list[Row] = []
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be read ({reason}); {HOW_TO_GET}") from None
    for line, row in enumerate(rows, start=2):
        try:
            found += convert(row)
        except KeyError as error:
            raise InputError(f"{path}, row {line}: the column or value {error} is unknown; {HOW_TO_GET}") from None
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}, row {line}: expected numbers ({error})") from None
    return found
