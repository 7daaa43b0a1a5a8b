"""The result sheets of a clone of DeepBench as the rows of the project's reference tables.

``results/train/DeepBench_<maker>_<device>.xlsx`` holds one or more result sheets, and each of them several tables one
under the other, every one with a line of headings. Columns are found by heading, not by place. Times are milliseconds
there. The layout is known from the notes of the reference folder and from a published script that reads the product
columns; this reader was tried on workbooks of that layout made for the purpose, not on a real clone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from simulator.errors import InputError
from validation.deepbench.workbook import Cell, Sheet, read_workbook

__all__ = ["TABLES", "is_clone", "read_clone", "results_folder"]


def _time(*words: str) -> str:
    """Headings that speak of a time and of one of each of the words, in any order."""
    return "(?=.*(time|msec))" + "".join(f"(?=.*({word}))" for word in words) + ".*"


#: Columns of each table: their name in the reference tables, and what the sheets may call them (letters and digits).
_PRODUCT = {
    "M": "m",
    "N": "n",
    "K": "k",
    "A_transposed": r"atranspose\w*",
    "B_transposed": r"btranspose\w*",
    "time_us": _time(),
}
_CONVOLUTION = {
    "W": "w",
    "H": "h",
    "C": "c",
    "N": "n",
    "K": "k",
    "filter_w": r"s|filterw\w*",
    "filter_h": r"r|filterh\w*",
    "pad_w": r"padw\w*|wpad\w*",
    "pad_h": r"padh\w*|hpad\w*",
    "stride_w": r"stridew\w*|wstride|horizontalstride",
    "stride_h": r"strideh\w*|hstride|vstride|verticalstride",
    "fwd_us": _time("fwd|forward"),
    "bwd_inputs_us": _time("bwd|backward", "input|data"),
    "bwd_params_us": _time("bwd|backward", "param|weight|filter"),
}
_ALL_REDUCE = {
    "floats": r"\w*floats\w*",
    "ranks": r"\w*(processors|processes|ranks|gpus|nodes)\w*",
    "time_us": r"(?!.*(std|dev)).*time.*",
    "std_us": r"\w*(std|standarddeviation)\w*",
    "library": r"selectedalgorithm\w*|algorithm|library",
}
TABLES: Mapping[str, Mapping[str, str]] = {"gemm": _PRODUCT, "conv": _CONVOLUTION, "allreduce": _ALL_REDUCE}
#: Columns that a table may lack.
_OPTIONAL = ("bwd_inputs_us", "std_us", "library")

_FILE = re.compile(r"DeepBench_[A-Z]+_(KNL7250|M40|TitanX|TitanX_Pascal|1080Ti|P100|V100)\.xlsx\Z")
#: Arithmetic of a result sheet, by what its name says.
_PRECISIONS = (
    (r"pseudo|psuedo", "fp16_in_fp32_mul_fp32_add"),
    (r"mixed", "fp16_in_fp16_mul_fp32_add"),
    (r"fp32|^results$", "fp32"),
)
_HEADINGS = {
    "gemm": "M, N, K, A Transpose, B Transpose, Time (msec)",
    "conv": "W, H, C, N, K, S, R, Pad W, Pad H, Stride W, Stride H, Fwd Time (msec), Bwd … Time (msec)",
    "allreduce": "Size (# of floats), Number of Processors, Time (msec)",
}
_TRANSPOSED = {"N": "0", "T": "1", "0": "0", "1": "1"}
Row = dict[str, str]


def results_folder(folder: Path) -> Path | None:
    """Where the workbooks of a clone lie: in `folder` itself or its ``results/train``; None if there are none."""
    for place in (folder, folder / "results" / "train"):
        if place.is_dir() and any(_FILE.match(path.name) for path in place.iterdir()):
            return place
    return None


def is_clone(folder: Path) -> bool:
    """Whether `read_clone` has anything to read there."""
    return results_folder(folder) is not None


def read_clone(folder: Path, table: str) -> list[Row]:
    """Rows of ``gemm``, ``conv`` or ``allreduce`` of every workbook, with the columns of the reference tables.

    Raises
    ------
    InputError
        If there are no workbooks, one cannot be read, or the table is in none of a workbook's result sheets (of all
        workbooks' for ``allreduce``, which not every device has).
    """
    place = results_folder(folder)
    if place is None:
        raise InputError(f"{folder}: expected the result workbooks of DeepBench, results/train/DeepBench_*.xlsx")
    rows: list[Row] = []
    for path in sorted(place.iterdir()):
        named = _FILE.match(path.name)
        if named:
            found = list(_workbook_rows(path, named.group(1), table))
            if not found and table != "allreduce":
                raise InputError(_without(path, table))
            rows += found
    if not rows:
        raise InputError(_without(place, table))
    return rows


def _without(path: Path, table: str) -> str:
    return f"{path}: no sheet named 'Results…' has the table {table!r}; expected one headed {_HEADINGS[table]}"


def _workbook_rows(path: Path, device: str, table: str) -> Iterator[Row]:
    for name, sheet in read_workbook(path).items():
        precision = _precision(name)
        if precision is not None:
            for kind, row in _sheet_rows(sheet):
                if kind == table:
                    yield {"device": device, "precision": precision, "sheet": name, **row, **_nodes(device, row)}


def _precision(sheet: str) -> str | None:
    if not sheet.lower().startswith("results"):
        return None
    return next((kind for pattern, kind in _PRECISIONS if re.search(pattern, sheet.strip().lower())), None)


def _sheet_rows(sheet: Sheet) -> Iterator[tuple[str, Row]]:
    """The kind and the columns of every line that is a measured one."""
    kind = ""
    columns: dict[str, int] = {}
    scales: dict[str, float] = {}
    labelled: set[int] = set()
    for number in sorted(sheet):
        cells = sheet[number]
        if _is_heading(cells):
            kind, columns = _columns(cells)
            labelled = set(cells)
            scales = {name: _scale(str(cells[place])) for name, place in columns.items() if name.endswith("_us")}
            continue
        if not kind:
            continue
        row = _row(kind, cells, columns, scales)
        if row is not None:
            row["row"] = str(number)
            if kind == "allreduce":
                row["nodes"] = _unlabelled(cells, labelled)
            yield kind, row


def _is_heading(cells: Mapping[int, Cell]) -> bool:
    """Whether a line names columns: texts alone, one of them a time."""
    texts = [cell for cell in cells.values() if isinstance(cell, str)]
    return len(texts) == len(cells) >= 3 and any("time" in text.lower() or "msec" in text.lower() for text in texts)


def _columns(cells: Mapping[int, Cell]) -> tuple[str, dict[str, int]]:
    """What table the headings are of, and the place of its columns; nothing for a table that is not read."""
    headings = {place: re.sub(r"[^a-z0-9]", "", str(cell).lower()) for place, cell in sorted(cells.items())}
    for kind, patterns in TABLES.items():
        columns: dict[str, int] = {}
        for name, pattern in patterns.items():
            matching = (p for p, text in headings.items() if re.fullmatch(pattern, text) and p not in columns.values())
            place = next(matching, None)
            if place is not None:
                columns[name] = place
        if all(name in columns or name in _OPTIONAL for name in patterns):
            return kind, columns
    return "", {}


def _scale(heading: str) -> float:
    """Microseconds of one unit of a column of times."""
    return 1.0 if re.search(r"usec|\(us\)|µs|microsec", heading.lower()) else 1000.0


def _row(kind: str, cells: Mapping[int, Cell], columns: Mapping[str, int], scales: Mapping[str, float]) -> Row | None:
    """The columns of one line as text; None where a shape or every time is not there."""
    row: Row = {"fwd_algo": "", "library": ""}
    for name, place in columns.items():
        cell = cells.get(place)
        if name in scales:
            row[name] = repr(cell * scales[name]) if isinstance(cell, float) else ""
        elif name in ("A_transposed", "B_transposed"):
            text = f"{cell:.0f}" if isinstance(cell, float) else str(cell)
            if text not in _TRANSPOSED:
                return None
            row[name] = _TRANSPOSED[text]
        elif name == "library":
            row[name] = "" if cell is None else str(cell)
        elif isinstance(cell, float) and cell == int(cell):
            row[name] = str(int(cell))
        else:
            return None
    needed = {"gemm": "time_us", "conv": "fwd_us", "allreduce": "time_us"}[kind]
    if not row[needed]:
        return None
    for name in TABLES[kind]:
        row.setdefault(name, "")
    return row


def _unlabelled(cells: Mapping[int, Cell], labelled: set[int]) -> str:
    """The number in a column that has no heading: on GPU sheets how many nodes; empty where there is none."""
    for place in sorted(set(cells) - labelled):
        held = re.match(r"\d+", f"{cells[place]:.0f}" if isinstance(cells[place], float) else str(cells[place]))
        if held:
            return held.group()
    return ""


def _nodes(device: str, row: Row) -> Row:
    """One rank a node on KNL; elsewhere what the sheet says, one if it says nothing."""
    if "ranks" not in row:
        return {}
    return {"nodes": row["ranks"] if device == "KNL7250" else row["nodes"] or "1", "std_us": row["std_us"] or "0"}
