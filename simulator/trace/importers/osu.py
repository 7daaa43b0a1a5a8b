"""Output of the OSU micro-benchmarks (``osu_latency``, ``osu_bw``, ``osu_allreduce``, …) as observations.

A title line names the benchmark, a column line the unit, each row is a size [B] and a value: a one-way latency [us], a
bandwidth [MB/s, 10^6 bytes], or the average latency of a collective over its ranks [us]. ``osu_bw`` keeps a window of
64 messages under way, so its bandwidth is that of a stream, not of one message alone; the observations say so. The
output does not say how many ranks took part in a collective: the user does. The sizes of all-gather and of gather and
scatter are those of one rank's part and are multiplied by the ranks, so that sizes mean the same as elsewhere.

Source: the benchmarks' README and their output, versions 5 to 7; written from knowledge of the public format.
"""

from __future__ import annotations

import re

from simulator.calibration.observations import CollectiveTime, MessageTime, Observation
from simulator.errors import InputError
from simulator.trace.importers.amounts import amount
from simulator.trace.importers.kineto import collective_of
from simulator.trace.importers.options import ImportOptions

__all__ = ["is_osu", "read_osu"]

_TITLE = re.compile(r"^#\s*OSU\s+(?:\S+\s+)?(.*?)(?:\s+Test)?(?:\s+v[\d.]+)?\s*$", re.IGNORECASE)
_COLUMNS = re.compile(r"^#\s*(?:Size\s+.*|Avg\s+Latency.*)", re.IGNORECASE)
#: The title stands within so many characters; schedulers and MPI print things before it.
_BEGINNING = 20_000
#: Messages that osu_bw keeps under way.
_WINDOW = 64
#: Collectives whose size column is one rank's part of the whole.
_PARTS = ("all_gather", "all_to_all", "gather", "scatter")


def is_osu(text: str) -> bool:
    """Whether text looks like the output of the OSU micro-benchmarks."""
    return any(_TITLE.match(line) for line in text[:_BEGINNING].splitlines())


def read_osu(text: str, where: str, options: ImportOptions) -> list[Observation]:
    """One observation a row; one file may hold several benchmarks' outputs.

    Raises
    ------
    InputError
        Naming the line that cannot be read, or saying that the number of ranks is needed.
    """
    found: list[Observation] = []
    title = columns = ""
    for number, line in enumerate(text.splitlines(), start=1):
        line, place = line.strip(), f"{where}:{number}"
        if line.startswith("#"):
            heading = _TITLE.match(line)
            title, columns = (heading[1], "") if heading else (title, columns)
            if not heading and _COLUMNS.match(line):
                columns = line.lstrip("# ")
        elif title and line and (line[0].isdigit() or line[0] == "-"):
            if not columns:
                raise InputError(f"{place}: a row without a line of columns before it; expected '# Size  Latency (us)'")
            try:
                found += _observations(title, columns, line.split(), place, options)
            except _CutShortError:
                if not options.repair:
                    raise InputError(f"{place}: expected {columns!r}, got {line!r}; cut short?") from None
    if not found:
        raise InputError(f"{where}: output of an OSU benchmark without a single result; was the run cut short?")
    return found


class _CutShortError(Exception):
    """A row with too few cells."""


def _observations(title: str, columns: str, cells: list[str], place: str, options: ImportOptions) -> list[Observation]:
    kind = "" if "bandwidth" in title.lower() else collective_of(title.lower().replace("all-to-all", "alltoall"))
    if kind == "barrier":
        cells = ["0", *cells]
    if len(cells) < 2:
        raise _CutShortError
    size, value = (amount(cell, place) for cell in cells[:2])
    if kind:
        ranks = options.ranks
        if ranks is None:
            raise InputError(f"{place}: OSU benchmarks do not print how many ranks took part; say so with --ranks")
        whole = size * ranks if kind in _PARTS else size
        return [CollectiveTime(kind, ranks, whole, _seconds(value, columns), options.ranks_per_node or 0, place)]
    if "bandwidth" in title.lower() or "MB/s" in columns:
        if "bi-directional" in title.lower():
            # Both directions together: each carries half of it.
            value /= 2
        if value <= 0:
            raise InputError(f"{place}: bandwidth {value} MB/s; expected more than 0")
        return [MessageTime(size, size / (value * 1e6), "", place, in_flight=_WINDOW)]
    if "latency" in title.lower():
        return [MessageTime(size, _seconds(value, columns), "", place)]
    raise InputError(f"{place}: OSU benchmark {title!r} is not known; expected latency, bandwidth or a collective")


def _seconds(value: float, columns: str) -> float:
    return value * (1e-3 if "(ms)" in columns else 1e-6)
