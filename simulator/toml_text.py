"""Plain tables as TOML text: what the fits are written with. Covers text, numbers, lists and tables, no more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["toml_text"]

_WIDTH = 116


def toml_text(tables: Mapping[str, Any]) -> str:
    """TOML of nested mappings; small tables of plain values are written inline.

    Examples
    --------
    >>> print(toml_text({"name": "m40", "rates": {"clock": {"value": "1 GHz"}}}))
    name = "m40"
    <BLANKLINE>
    [rates]
    clock = { value = "1 GHz" }
    <BLANKLINE>
    """
    return "\n".join(_lines(tables, ())) + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {key: value for key, value in table.items() if not _is_section(value)}
    lines = [f"[{'.'.join(map(_key, path))}]"] if path and plain else []
    for key, value in plain.items():
        lines += _entry(key, value)
    for key, value in table.items():
        if _is_section(value):
            section = _lines(value, (*path, key))
            lines += ["", *section] if lines and section[0] else section
    return lines


def _is_section(value: object) -> bool:
    """Whether a value gets a ``[header]`` of its own; one with a source is a sourced number and stays on its line."""
    if not isinstance(value, Mapping):
        return False
    nested = any(isinstance(inner, Mapping | list) for inner in value.values())
    return nested or ("source" not in value and len(_inline(value)) > _WIDTH - 20)


def _entry(key: str, value: Any) -> list[str]:
    text = f"{_key(key)} = {_inline(value)}"
    if len(text) <= _WIDTH or not isinstance(value, list):
        return [text]
    lines, line = [f"{_key(key)} = ["], "   "
    for item in value:
        piece = f" {_inline(item)},"
        if len(line) + len(piece) > _WIDTH:
            lines.append(line)
            line = "   "
        line += piece
    return [*lines, line, "]"]


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_inline(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return _quoted(value)


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _quoted(key)


def _quoted(value: Any) -> str:
    """As JSON writes it, which is what TOML wants but for the one control character that JSON leaves."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
