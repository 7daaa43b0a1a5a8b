"""Plain tables (CSV) of measured times as observations, and observations as such a table.

The first line names the columns, in any order; the separator is a comma, a semicolon or a tab. A row with a batch size
is a training step, one with a collective is a collective call, one with only a size a message:

    devices, batch_size, step_time_ms          collective, ranks, size, seconds          size, seconds, link_class

Units stand in the header (``step_time_ms``, ``step time [ms]``) or behind the number (``12.5 ms``); a throughput
(``images/s``) can stand in place of a step time. A batch is one device's unless the column says ``global``.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable
from typing import Any

from simulator.calibration.observations import CollectiveTime, MessageTime, Observation, StepTime
from simulator.errors import InputError
from simulator.trace.importers.options import ImportOptions
from simulator.units import DIMENSIONS, parse_quantity

__all__ = ["is_table", "read_table", "table_of"]

#: Names of columns, without units and in small letters, for each meaning.
_MEANINGS = {
    "devices": "devices device gpus gpu num_gpus n_gpus ngpus workers num_workers world_size n p accelerators",
    "ranks": "ranks processes nranks",
    "batch": "batch batch_size per_gpu_batch per_gpu_batch_size batch_per_gpu local_batch local_batch_size bs "
    "batch_per_device per_device_batch_size micro_batch_size minibatch mini_batch_size",
    "global_batch": "global_batch global_batch_size total_batch total_batch_size effective_batch_size",
    "time": "step_time time iteration_time iter_time seconds time_per_step time_per_iteration step duration latency "
    "mean_step_time avg_step_time batch_time",
    "throughput": "throughput images samples img images_per_second images_per_sec samples_per_second samples_per_sec "
    "ips samples_per_s images_per_s examples_per_sec",
    "compute": "compute compute_time forward_backward fwd_bwd",
    "size": "size bytes message_size",
    "collective": "collective kind operation",
    "ranks_per_node": "ranks_per_node gpus_per_node devices_per_node",
    "link_class": "link_class link",
    "in_flight": "in_flight window",
    "where": "where source comment note",
}
_BY_NAME = {name: meaning for meaning, names in _MEANINGS.items() for name in names.split()}
_TIME_UNITS = {"us", "µs", "ms", "s", "ns", "min", "h"}
_WORDS = {
    "sec": "s",
    "secs": "s",
    "seconds": "s",
    "milliseconds": "ms",
    "msec": "ms",
    "usec": "us",
    "microseconds": "us",
}


def _column(title: str) -> tuple[str, str]:
    """(meaning, unit) of a column; the meaning is empty if the title is not known."""
    text = title.strip().strip('"').lower()
    unit = ""
    bracketed = re.search(r"[\[(]\s*([^\])]*?)\s*[\])]\s*$", text)
    if bracketed:
        unit, text = bracketed[1], text[: bracketed.start()].strip()
    if re.search(r"/\s*(?:s|sec|second)$", text):
        text = text.rpartition("/")[0].strip()
        unit = unit or "/s"
    name = re.sub(r"[\s\-.]+", "_", text).strip("_")
    if name not in _BY_NAME and "_" in name:
        stem, _, last = name.rpartition("_")
        last = _WORDS.get(last, last)
        if stem in _BY_NAME and last in _TIME_UNITS | {"kb", "mb", "gb", "kib", "mib", "gib"}:
            name, unit = stem, last
    return _BY_NAME.get(name, ""), _WORDS.get(unit, unit)


def _titles(text: str) -> tuple[str, list[str], int]:
    """The separator, the titles of the first line that is no comment, and that line's number."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            separator = max(",;\t", key=line.count)
            return separator, _cells(line, separator, f"line {number}"), number
    return ",", [], 0


def _cells(line: str, separator: str, where: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error as error:
        raise InputError(f"{where}: no line of a table ({error})") from None


def is_table(text: str) -> bool:
    """Whether text looks like a table whose columns are known."""
    meanings = {_column(title)[0] for title in _titles(text[:10_000])[1]}
    return bool({"time", "throughput"} & meanings) and len(meanings - {""}) >= 2


def read_table(text: str, where: str, options: ImportOptions) -> list[Observation]:
    """One observation a row; rows are of training steps, collectives or messages.

    Raises
    ------
    InputError
        Naming the line and the column of a value that cannot be.
    """
    separator, titles, first = _titles(text)
    columns: dict[str, tuple[int, str]] = {}
    for position, title in enumerate(titles):
        meaning, unit = _column(title)
        if meaning and meaning in columns:
            other = titles[columns[meaning][0]]
            raise InputError(f"{where}:{first}: columns {other!r} and {title!r} mean the same; expected one of them")
        if meaning:
            columns[meaning] = (position, unit)
    if not {"time", "throughput"} & columns.keys():
        raise InputError(f"{where}:{first}: no column of times; expected one such as step_time_ms, got {titles}")
    lines = text.splitlines()
    found = []
    for number in range(first, len(lines)):
        if not lines[number].strip() or lines[number].startswith("#"):
            continue
        place = f"{where}:{number + 1}"
        cells = _cells(lines[number], separator, place)
        if len(cells) < len(titles) and options.repair:
            continue
        found.append(_Row(place, titles, cells, columns).observation(options))
    if not found:
        raise InputError(f"{where}: a table without a single row")
    return found


class _Row:
    """One line of a table."""

    def __init__(self, where: str, titles: list[str], cells: list[str], columns: dict[str, tuple[int, str]]) -> None:
        if len(cells) < len(titles):
            raise InputError(f"{where}: {len(cells)} cells; expected {len(titles)}: {', '.join(titles)}; cut short?")
        self._where, self._titles, self._cells, self._columns = where, titles, cells, columns

    def observation(self, options: ImportOptions) -> Observation:
        """What the row tells."""
        devices = self._count("devices") or self._count("ranks")
        batch, whole = self._count("batch"), self._count("global_batch")
        where = self._text("where") or self._where
        if self._text("collective"):
            ranks = self._count("ranks") or devices or options.ranks
            if ranks is None:
                raise InputError(f"{self._where}: a collective without a number of ranks")
            per_node = self._count("ranks_per_node") or options.ranks_per_node or 0
            size, kind = self._required("size", "size"), self._text("collective")
            return CollectiveTime(kind, ranks, size, self._required("time", "time"), per_node, where)
        if batch is None and whole is None and self._text("size"):
            size, latency = self._required("size", "size"), self._required("time", "time")
            return MessageTime(size, latency, self._text("link_class"), where, self._count("in_flight") or 1)
        devices = devices or options.ranks
        if devices is None:
            raise InputError(f"{self._where}: no number of devices; expected a column such as devices, or --ranks")
        if batch is None and whole is not None:
            if whole % devices:
                raise InputError(f"{self._where}: a global batch of {whole} cannot be shared by {devices} devices")
            batch = whole // devices
        batch = batch or options.batch_size
        if batch is None:
            raise InputError(f"{self._where}: no batch size; expected a column such as batch_size, or --batch-size")
        seconds = self._number("time", "time")
        if seconds is None:
            seconds = devices * batch / self._required("throughput", "")
        return StepTime(devices, batch, seconds, self._number("compute", "time"), where)

    def _text(self, meaning: str) -> str:
        place = self._columns.get(meaning)
        return self._cells[place[0]].strip() if place else ""

    def _fail(self, meaning: str, expected: str) -> InputError:
        title = self._titles[self._columns[meaning][0]].strip()
        return InputError(f"{self._where}: {title}: expected {expected}, got {self._text(meaning)!r}")

    def _count(self, meaning: str) -> int | None:
        text = self._text(meaning)
        if not text:
            return None
        if not re.fullmatch(r"\+?\d{1,12}(?:\.0*)?", text) or int(float(text)) < 1:
            raise self._fail(meaning, "a whole number of at least 1")
        return int(float(text))

    def _number(self, meaning: str, dimension: str) -> float | None:
        """A positive number in SI units: by the cell's unit, else the column's, else as it stands."""
        text = self._text(meaning)
        if not text:
            return None
        unit = self._columns[meaning][1]
        try:
            value = float(text) * _factor(dimension, unit)
        except ValueError:
            try:
                value = parse_quantity(text, dimension) if dimension else math.nan
            except ValueError:
                value = math.nan
        if not (0.0 < value < math.inf or (value == 0.0 and dimension == "size")):
            raise self._fail(meaning, f"a {dimension or 'number'} above 0")
        return value

    def _required(self, meaning: str, dimension: str) -> float:
        value = self._number(meaning, dimension)
        if value is None:
            raise InputError(f"{self._where}: no {meaning}; it is required")
        return value


def _factor(dimension: str, unit: str) -> float:
    units: dict[str, Any] = DIMENSIONS.get(dimension, {})
    small = {name.lower(): factor for name, factor in units.items() if not name.endswith("b")}
    if not unit or not units:
        return 1.0
    if unit not in small:
        raise ValueError(unit)
    return float(small[unit])


def table_of(observations: Iterable[Observation]) -> str:
    """Observations as a table that `read_table` reads back."""
    titles = [
        "devices", "batch_size", "compute_s", "collective", "ranks_per_node", "size", "link_class", "in_flight",
        "seconds", "where",
    ]  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, titles, restval="", lineterminator="\n")
    writer.writeheader()
    for seen in observations:
        row: dict[str, Any] = {"seconds": repr(seen.seconds), "where": seen.where}
        if isinstance(seen, StepTime):
            row |= {"devices": seen.devices, "batch_size": seen.batch_size}
            row["compute_s"] = "" if seen.compute is None else repr(seen.compute)
        elif isinstance(seen, CollectiveTime):
            row |= {"devices": seen.ranks, "collective": seen.kind, "size": repr(seen.size)}
            row["ranks_per_node"] = seen.ranks_per_node or ""
        else:
            row |= {"size": repr(seen.size), "link_class": seen.link_class, "in_flight": seen.in_flight}
        writer.writerow(row)
    return out.getvalue()
