"""Reading files of trace events (Chrome's trace-event JSON and what profilers add to it), whole or cut short.

A document is ``{"traceEvents": [...], other keys}``, or the bare array of events, whose closing bracket the format
allows to be missing. Files may be compressed with gzip. A profiler that is killed leaves a file that ends anywhere; on
request the events before the cut are recovered, and what was lost is said.

Source: "Trace Event Format", the Chromium project's document of the format.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.errors import InputError

__all__ = ["EventDocument", "parse_document", "read_document", "read_text"]

_GZIP_MAGIC = b"\x1f\x8b"
_SPACES = " \t\r\n"


@dataclass
class EventDocument:
    """The events of a file and the other keys of its outermost object; `lost` says what a cut took, if anything."""

    where: str
    header: dict[str, Any] = field(default_factory=dict)
    events: list[Any] = field(default_factory=list)
    lost: str = ""


def read_text(path: Path, expected: str, recover: bool = False) -> tuple[str, str]:
    """A file's text, unpacked if it is compressed, and what could not be read of it (with `recover`).

    Raises
    ------
    InputError
        If the file is missing, unreadable, not UTF-8 or a damaged archive.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected {expected}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    lost = ""
    if raw.startswith(_GZIP_MAGIC):
        raw, lost = _unpacked(raw)
        if lost and not recover:
            raise InputError(f"{path}: {lost}; is the file truncated?")
    try:
        return raw.decode("utf-8-sig"), lost
    except UnicodeDecodeError as error:
        if not recover:
            raise InputError(f"{path}: not valid UTF-8 text (byte {error.start}); expected {expected}") from None
        return raw[: error.start].decode("utf-8-sig", errors="ignore"), lost or f"not UTF-8 from byte {error.start} on"


def _unpacked(raw: bytes) -> tuple[bytes, str]:
    """All that can be unpacked of a gzip file, and what is wrong with the rest."""
    parts: list[bytes] = []
    while raw:
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            # By pieces, so that what comes before a damaged place is kept.
            for begin in range(0, len(raw), 4096):
                parts.append(unpacker.decompress(raw[begin : begin + 4096]))
        except zlib.error as error:
            return b"".join(parts), f"a damaged gzip archive ({error})"
        if not unpacker.eof:
            return b"".join(parts), "a gzip archive without its end"
        raw = unpacker.unused_data
        if not raw.startswith(_GZIP_MAGIC):
            break
    return b"".join(parts), ""


def read_document(path: Path, expected: str, recover: bool = False) -> EventDocument:
    """Read a file of trace events.

    Parameters
    ----------
    expected : str
        What kind of file the caller can use, for the message when this is none.
    recover : bool
        Keep the complete events of a file that is cut short, instead of refusing it.

    Raises
    ------
    InputError
        If the file is missing, not JSON or holds no events; the message says where it stops being valid.
    """
    text, lost = read_text(path, expected, recover)
    document = parse_document(text, str(path), expected, recover)
    document.lost = "; ".join(part for part in (lost, document.lost) if part)
    return document


def parse_document(text: str, where: str, expected: str, recover: bool = False) -> EventDocument:
    """Events from JSON text; `where` opens the messages."""
    try:
        whole = json.loads(text)
    except (json.JSONDecodeError, RecursionError, ValueError) as error:
        if text.lstrip(_SPACES)[:1] not in ("{", "["):
            raise InputError(f"{where}: not valid JSON ({error}); expected {expected}") from None
        return _recovered(text, where, error, recover)
    if isinstance(whole, list):
        return EventDocument(where, {}, whole)
    events = whole.get("traceEvents") if isinstance(whole, dict) else None
    if not isinstance(events, list):
        raise InputError(f"{where}: no list traceEvents; expected {expected}")
    return EventDocument(where, {key: value for key, value in whole.items() if key != "traceEvents"}, events)


class _Cut(Exception):
    """The text ends, or stops being JSON, here."""


class _Scanner:
    """Reads JSON from the left, value by value, as far as it goes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._decoder = json.JSONDecoder()

    def next_character(self) -> str:
        """The next character that is no space, or nothing at the end; it is not consumed."""
        while self.position < len(self.text) and self.text[self.position] in _SPACES:
            self.position += 1
        return self.text[self.position : self.position + 1]

    def accept(self, character: str) -> bool:
        """Consume that character if it comes next."""
        if self.next_character() != character:
            return False
        self.position += 1
        return True

    def value(self) -> Any:
        """The next complete value.

        A number that the text ends in might have had more digits, so it counts as cut.
        """
        self.next_character()
        try:
            found, end = self._decoder.raw_decode(self.text, self.position)
        except (json.JSONDecodeError, RecursionError, ValueError):
            raise _Cut from None
        if end == len(self.text) and not isinstance(found, dict | list | str):
            raise _Cut
        self.position = end
        return found

    def elements(self, into: list[Any]) -> bool:
        """Append the elements of an array whose bracket was consumed; whether its end was reached."""
        if self.accept("]"):
            return True
        try:
            while True:
                into.append(self.value())
                if self.accept("]"):
                    return True
                if not self.accept(","):
                    return False
                if self.accept("]"):
                    return True
        except _Cut:
            return False


def _recovered(text: str, where: str, error: Exception, recover: bool) -> EventDocument:
    scanner, document = _Scanner(text), EventDocument(where)
    if scanner.accept("["):
        scanner.elements(document.events)
        # The format lets a bare array end without its bracket, after any complete event.
        if not scanner.next_character() and document.events and isinstance(document.events[-1], dict):
            return document
    else:
        scanner.accept("{")
        _keys(scanner, document)
    if not recover:
        raise InputError(f"{where}: not valid JSON ({error}); is the file truncated?")
    if not document.events:
        raise InputError(f"{where}: cut short before its first complete event; nothing can be recovered")
    document.lost = (
        f"cut short at character {scanner.position:,} of {len(text):,}: {len(document.events):,} complete events "
        "before it were kept, whatever came after them is lost"
    )
    return document


def _keys(scanner: _Scanner, document: EventDocument) -> None:
    """Read the keys of the outermost object as far as they go."""
    try:
        while True:
            key = scanner.value()
            if not isinstance(key, str) or not scanner.accept(":"):
                return
            if key == "traceEvents" and scanner.accept("["):
                if not scanner.elements(document.events):
                    return
            else:
                document.header[key] = scanner.value()
            if not scanner.accept(","):
                return
    except _Cut:
        return
