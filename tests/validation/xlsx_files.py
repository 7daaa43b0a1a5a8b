"""Workbooks for tests: xlsx files written by hand, and one with the layout of DeepBench's result sheets."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

Row = Sequence[str | float | None]

_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def letters(column: int) -> str:
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def write_xlsx(path: Path, sheets: Mapping[str, Mapping[int, Row]], inline: bool = False) -> Path:
    """Sheets of rows by number; texts are shared, or with `inline` inside the cells."""
    shared: list[str] = []

    def cell(row: int, column: int, value: str | float) -> str:
        place = f"{letters(column)}{row}"
        if not isinstance(value, str):
            return f'<c r="{place}"><f>A1*1</f><v>{value!r}</v></c>'
        if inline:
            return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        if value not in shared:
            shared.append(value)
        return f'<c r="{place}" t="s"><v>{shared.index(value)}</v></c>'

    parts = []
    for rows in sheets.values():
        lines = [
            f'<row r="{number}">'
            + "".join(cell(number, column, value) for column, value in enumerate(row) if value is not None)
            + "</row>"
            for number, row in rows.items()
        ]
        parts.append(f"<worksheet {_MAIN}><sheetData>{''.join(lines)}</sheetData></worksheet>")
    names = "".join(
        f'<sheet name="{escape(name)}" sheetId="{place}" r:id="rId{place}"/>' for place, name in enumerate(sheets, 1)
    )
    relations = "".join(
        f'<Relationship Id="rId{place}" Type="worksheet" Target="worksheets/sheet{place}.xml"/>'
        for place in range(1, len(sheets) + 1)
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr(
            "xl/workbook.xml", f'<workbook {_MAIN} xmlns:r="{_RELATION}"><sheets>{names}</sheets></workbook>'
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{relations}</Relationships>")
        texts = "".join(f"<si><r><t>{escape(text)}</t></r></si>" for text in shared)
        archive.writestr("xl/sharedStrings.xml", f"<sst {_MAIN}>{texts}</sst>")
        for place, part in enumerate(parts, 1):
            archive.writestr(f"xl/worksheets/sheet{place}.xml", part)
    return path


PRODUCTS: Row = ("", "Kernel", "M", "N", "K", "A Transpose", "B Transpose", None, "Time (msec)", "TERAFLOPS")
CONVOLUTIONS: Row = (
    None, "Kernel", "W", "H", "C", "N", "K", "S", "R", "Pad W", "Pad H", "Stride W", "Stride H", None,
    "Fwd Time (msec)", "Bwd wrt Inputs Time (msec)", "Bwd wrt Params Time (msec)", "Fwd TERAFLOPS", "Fwd Algo",
)  # fmt: skip
ALL_REDUCES: Row = (
    None, "Kernel", "Size (# of floats)", "Number of Processors", None, "Time (msec)", "Standard Deviation",
    "Bandwidth (GB/s)", "Selected Algorithm",
)  # fmt: skip
LAYERS: Row = (None, "Kernel", "Type", "Hidden Units", "N", "Timesteps", "Fwd Time (msec)")


def result_sheet(products: Sequence[Row], convolutions: Sequence[Row], all_reduces: Sequence[Row]) -> dict[int, Row]:
    """One under the other, as in DeepBench: products from row 4, convolutions, recurrent layers, all-reduces.

    Rows: (M, N, K, "N" or "T" twice, ms); (W, H, C, N, K, S, R, pads, strides, three times in ms);
    (floats, ranks, nodes or None, ms, standard deviation).
    """
    sheet: dict[int, Row] = {1: (None, "NVIDIA"), 3: PRODUCTS}
    sheet |= {4 + i: (None, None, *row[:5], None, row[5], 1.0) for i, row in enumerate(products)}
    sheet[174] = CONVOLUTIONS
    sheet |= {175 + i: (None, None, *row[:11], None, *row[11:], 1.0, "WINOGRAD") for i, row in enumerate(convolutions)}
    sheet |= {279: LAYERS, 280: (None, None, "Vanilla", 1760.0, 16.0, 50.0, 7.687), 344: ALL_REDUCES}
    sheet |= {345 + i: (None, None, *row, 8.0, "NCCL 2.0") for i, row in enumerate(all_reduces)}
    return sheet
