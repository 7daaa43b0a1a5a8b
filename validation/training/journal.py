"""What one rank does, written down as it happens.

Records of fixed size in a memory-mapped file: writing one takes about a microsecond and no system call, and whatever
has been written is there after the process has been killed. Texts (lanes, categories, names) are kept once, in a second
file beside it, and records refer to them by number. Times are the process's own `time.perf_counter`, not yet aligned.
"""

from __future__ import annotations

import json
import mmap
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from simulator.errors import InputError

__all__ = ["NO_CHANNEL", "Entry", "Journal", "JournalContent", "read_journal"]

_MAGIC = b"clustrj1"
_HEADER = struct.Struct("<8siiqq")  #: magic, rank, unused, records, step
_RECORD = struct.Struct("<dddiiiiiiqq")  #: start, end, bytes, lane, category, name, step, peer, unused, channel, index
_GROWTH = 1 << 20  #: bytes that the file grows by

#: Channel of a record that is no message.
NO_CHANNEL = -1


class Entry(NamedTuple):
    """One record. A message is known by (its two ranks, `channel`, `order`), the same on both sides.

    `start` of a message is when this side was ready for it; the message itself starts when both are.
    """

    start: float
    end: float
    bytes: float
    lane: str
    category: str
    name: str
    step: int
    peer: int
    channel: int
    order: int


@dataclass(frozen=True)
class JournalContent:
    """All that a rank has written: who it is, the step it was in, its records in order of writing."""

    rank: int
    step: int
    entries: list[Entry]


class Journal:
    """The journal of one rank; all its threads may write to it.

    Parameters
    ----------
    path : Path
        A new file; texts go to the same name with ``.names`` behind.
    rank : int
    """

    def __init__(self, path: Path, rank: int) -> None:
        self._file = path.open("w+b")
        self._file.truncate(_GROWTH)
        self._map = mmap.mmap(self._file.fileno(), _GROWTH)
        self._names = path.with_name(path.name + ".names").open("w", encoding="utf-8")
        self._numbers: dict[str, int] = {}
        self._count, self._rank, self._step = 0, rank, 0
        self._end = _HEADER.size
        self._turn = threading.Lock()
        self._write_header()

    def add(
        self,
        lane: str,
        category: str,
        name: str,
        start: float,
        end: float,
        size: float = 0.0,
        step: int = 0,
        peer: int = -1,
        channel: int = NO_CHANNEL,
        order: int = -1,
    ) -> None:
        """Write one record."""
        with self._turn:
            if self._end + _RECORD.size > len(self._map):
                self._map.resize(len(self._map) + _GROWTH)
            number = self._number
            fields = (number(lane), number(category), number(name), step, peer, 0, channel, order)
            _RECORD.pack_into(self._map, self._end, start, end, size, *fields)
            self._end += _RECORD.size
            self._count += 1
            self._write_header()

    def at_step(self, step: int) -> None:
        """Note how far the rank has come; others may watch it in the file."""
        with self._turn:
            self._step = step
            self._write_header()

    def close(self) -> None:
        """Cut the file to what it holds."""
        with self._turn:
            self._map.flush()
            self._map.close()
            self._file.truncate(self._end)
            self._file.close()
            self._names.close()

    def _number(self, text: str) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self._numbers)
            self._names.write(json.dumps(text) + "\n")
            self._names.flush()
        return self._numbers[text]

    def _write_header(self) -> None:
        # Last, so that the count never promises a record that is not there.
        _HEADER.pack_into(self._map, 0, _MAGIC, self._rank, 0, self._count, self._step)


def read_journal(path: Path) -> JournalContent:
    """Read a journal, also one whose writer was killed or is still at it.

    Raises
    ------
    InputError
        If the file is no journal.
    """
    data = path.read_bytes()
    if len(data) >= _HEADER.size and not any(data[: _HEADER.size]):
        return JournalContent(-1, 0, [])  # its writer was ended before it wrote anything
    if len(data) < _HEADER.size or not data.startswith(_MAGIC):
        raise InputError(f"{path}: not the journal of a rank")
    _, rank, _, count, step = _HEADER.unpack_from(data)
    names = _read_names(path.with_name(path.name + ".names"))
    entries = []
    for index in range(min(count, (len(data) - _HEADER.size) // _RECORD.size)):
        start, end, size, lane, category, name, at, peer, _, channel, order = _RECORD.unpack_from(
            data, _HEADER.size + index * _RECORD.size
        )
        if max(lane, category, name) >= len(names):
            break  # killed between a record and its texts
        entries.append(Entry(start, end, size, names[lane], names[category], names[name], at, peer, channel, order))
    return JournalContent(rank, step, entries)


def read_step(path: Path) -> int:
    """The step a rank is in, from the journal it is writing; 0 before it has begun one."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
    except OSError:
        return 0
    return int(_HEADER.unpack(header)[4]) if len(header) == _HEADER.size and header.startswith(_MAGIC) else 0


def _read_names(path: Path) -> list[str]:
    names = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            names.append(str(json.loads(line)))
        except json.JSONDecodeError:
            break  # the writer was killed in the middle of this line
    return names
