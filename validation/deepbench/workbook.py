"""Cell values of an xlsx workbook, with the standard library alone.

An xlsx file is a ZIP of XML: ``xl/workbook.xml`` names the sheets, ``xl/_rels/workbook.xml.rels`` says which file
holds each, ``xl/sharedStrings.xml`` holds texts that cells refer to by number (ECMA-376, part 1, 18.3 and 18.4).
Formulas come with the value that was last computed. Dates, styles and merged cells are not looked at.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from simulator.errors import InputError

__all__ = ["Cell", "Sheet", "read_workbook"]

Cell = str | float
#: Cells by row (from 1, as shown) and column (from 0); empty ones are left out.
Sheet = Mapping[int, Mapping[int, Cell]]

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_workbook(path: Path) -> dict[str, Sheet]:
    """Every sheet by its name.

    Raises
    ------
    InputError
        If the file cannot be read or is no xlsx workbook.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            texts = _shared_texts(archive)
            return {name: _sheet(archive, member, texts) for name, member in _members(archive)}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); expected an xlsx workbook") from None
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, ElementTree.ParseError) as error:
        raise InputError(f"{path}: expected an xlsx workbook; it is broken ({error})") from None


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    targets = {
        element.attrib["Id"]: element.attrib["Target"]
        for element in _root(archive, "xl/_rels/workbook.xml.rels")
        if "Target" in element.attrib
    }
    for element in _root(archive, "xl/workbook.xml").iter():
        if _local(element) == "sheet":
            target = targets[element.attrib[_RELATION]]
            yield element.attrib["name"], target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [_text(item) for item in _root(archive, "xl/sharedStrings.xml") if _local(item) == "si"]


def _sheet(archive: zipfile.ZipFile, member: str, texts: list[str]) -> Sheet:
    rows: dict[int, dict[int, Cell]] = {}
    if not member.startswith("xl/worksheets/"):
        return rows  # a chart
    row = column = 0
    for element in _root(archive, member).iter():
        if _local(element) == "row":
            row, column = int(element.get("r", row + 1)), -1
        elif _local(element) == "c":
            reference = element.get("r")
            column = _column(reference) if reference else column + 1
            value = _value(element, texts)
            if value is not None:
                rows.setdefault(row, {})[column] = value
    return rows


def _value(cell: ElementTree.Element, texts: list[str]) -> Cell | None:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell).strip() or None
    held = next((element.text for element in cell if _local(element) == "v"), None)
    if held is None or not held.strip():
        return None
    if kind == "s":
        return texts[int(held)].strip() or None
    if kind in ("str", "e"):
        return held.strip()
    return float(held)


def _text(element: ElementTree.Element) -> str:
    """All runs of a text, without its phonetic hints."""
    if _local(element) == "rPh":
        return ""
    own = (element.text or "") if _local(element) == "t" else ""
    return own + "".join(_text(child) for child in element)


def _column(reference: str) -> int:
    """Of a cell such as ``AB12``, from 0."""
    letters = re.match(r"[A-Z]+", reference)
    if letters is None:
        raise ValueError(f"cell {reference!r}")
    number = 0
    for letter in letters.group():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _root(archive: zipfile.ZipFile, member: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(member))


def _local(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]
