"""Output of NCCL-tests (``all_reduce_perf`` and its siblings; RCCL-tests print the same) as times of collectives.

A table row is a size, its element count and type, then for out-of-place and in-place operation the mean time [us] of a
call, the algorithm and the bus bandwidth [GB/s] and the number of wrong values (in older versions, the largest error).
The out-of-place time is taken. Versions differ in their columns (``redop`` and ``root`` are not always there), so
columns are found by the header's names and from both ends of a row. Sizes are those of the tool: the whole buffer,
which for all-gather and reduce-scatter is that of all ranks together.

Which collective it was, newer versions say ("Collective test starting: all_reduce_perf"). Otherwise it follows from the
reduction operator, the root and the ratio of bus to algorithm bandwidth (2(n-1)/n for an all-reduce, (n-1)/n for an
all-gather and a reduce-scatter, 1 with a root; see PERFORMANCE.md of NCCL-tests).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from statistics import median

from simulator.calibration.observations import CollectiveTime, MessageTime, Observation
from simulator.errors import InputError
from simulator.trace.importers.amounts import amount
from simulator.trace.importers.kineto import collective_of
from simulator.trace.importers.options import ImportOptions

__all__ = ["is_nccl_tests", "read_nccl_tests"]

_HEADER = re.compile(r"^#\s+size\s+count\s+type\b", re.MULTILINE)
_DEVICE = re.compile(r"^#\s+Rank\s+(\d{1,9})\s.*?\bon\s+(\S+)\s+device\s", re.IGNORECASE)
_TEST = re.compile(r"\b(\w+)_perf\b")
_COUNTS = re.compile(r"nThread\s+(\d{1,9})\s+nGpus\s+(\d{1,9})")
#: The table begins within so many characters, also where hundreds of devices are listed before it.
_BEGINNING = 200_000
#: What mpirun and srun put before a line on request: "[1,0]<stdout>:" and "0: ".
_LABEL = re.compile(r"^(?:\[\d+,\d+\]<\w+>:?\s?|\s*\d+:\s(?=\s*[#\d]))")


def is_nccl_tests(text: str) -> bool:
    """Whether text looks like the output of NCCL-tests."""
    return any(_HEADER.match(_LABEL.sub("", line)) for line in text[:_BEGINNING].splitlines())


@dataclass
class _Output:
    """What the lines say before the rows."""

    columns: list[str] = field(default_factory=list)
    test: str = ""
    hosts: dict[int, str] = field(default_factory=dict)
    devices: int = 0


@dataclass(frozen=True)
class _Row:
    line: int
    size: float
    seconds: float
    operator: str
    root: int | None
    ratio: float


def read_nccl_tests(text: str, where: str, options: ImportOptions) -> list[Observation]:
    """One observation a row.

    Raises
    ------
    InputError
        Naming the line that cannot be read or holds wrong results, or saying what the output leaves open.
    """
    output, rows = _Output(), []
    for number, line in enumerate(text.splitlines(), start=1):
        line = _LABEL.sub("", line).strip()
        if line.startswith("#"):
            _header(output, line)
        elif line and line[0].isdigit() and output.columns:
            row = _row(output.columns, line.split(), f"{where}:{number}", number, options.repair)
            if row is not None:
                rows.append(row)
    if not rows:
        raise InputError(f"{where}: output of NCCL-tests without a single result; was the run cut short?")
    ranks = options.ranks or len(output.hosts) or output.devices
    if ranks < 1:
        raise InputError(f"{where}: does not say how many devices took part; say so with --ranks")
    kind = options.collective or collective_of(output.test) or _kind(rows, ranks)
    if not kind:
        raise InputError(f"{where}: does not say which collective it is of; say so with --collective all_reduce")
    nodes = Counter(output.hosts.values())
    per_node = options.ranks_per_node or (max(nodes.values()) if nodes and len(set(nodes.values())) == 1 else 0)
    if kind == "exchange":
        return [MessageTime(row.size, row.seconds, "", f"{where}:{row.line}") for row in rows]
    return [CollectiveTime(kind, ranks, row.size, row.seconds, per_node, f"{where}:{row.line}") for row in rows]


def _header(output: _Output, line: str) -> None:
    device = _DEVICE.match(line)
    if device:
        output.hosts[int(device[1])] = device[2]
    counts = _COUNTS.search(line)
    if counts:
        output.devices = int(counts[1]) * int(counts[2])
    test = _TEST.search(line)
    if test and collective_of(test[1]):
        output.test = test[1]
    if _HEADER.match(line):
        output.columns = line.lstrip("# ").split()


def _row(columns: list[str], cells: list[str], where: str, line: int, repair: bool) -> _Row | None:
    """One row; the cells before the times are found from the left, the others from the right."""
    first_time = columns.index("time") if "time" in columns else -1
    results = len(columns) - first_time
    if first_time < 3 or len(cells) < results + 3:
        if repair:
            return None
        raise InputError(f"{where}: {len(cells)} cells; expected {len(columns)}: {' '.join(columns)}; cut short?")
    half = columns[first_time : first_time + results // 2] if results > 4 else columns[first_time:]
    out_of_place = dict(zip(half, cells[-results:][: len(half)], strict=True))
    leading = cells[: len(cells) - results]
    size, time = amount(cells[0], f"{where}: size"), amount(out_of_place["time"], f"{where}: time")
    wrong = out_of_place.get("#wrong", "N/A")
    if wrong not in ("N/A", "0"):
        raise InputError(f"{where}: {wrong} wrong values; times of a collective with wrong results are of no use")
    operator = next((cell for cell in leading[3:] if cell in ("sum", "prod", "min", "max", "avg", "mulsum")), "")
    roots = [cell for cell in leading[3:] if re.fullmatch(r"-?\d{1,9}", cell)]
    slow, fast = (amount(out_of_place.get(key, "0"), f"{where}: {key}") for key in ("algbw", "busbw"))
    ratio = fast / slow if slow > 0.5 else math.nan
    return _Row(line, size, time * 1e-6, operator, int(roots[0]) if roots else None, ratio)


def _kind(rows: list[_Row], ranks: int) -> str:
    """The collective that operator, root and bandwidths leave over, or nothing."""
    ratios = [row.ratio for row in rows if math.isfinite(row.ratio)]
    ratio = median(ratios) if ratios else math.nan
    rooted = any(row.root is not None and row.root >= 0 for row in rows)
    reducing = any(row.operator for row in rows)
    if rooted:
        return "reduce" if reducing else "broadcast"
    share = (ranks - 1) / ranks
    if reducing and ranks > 2:
        if abs(ratio - 2 * share) < 0.05:
            return "all_reduce"
        if abs(ratio - share) < 0.05:
            return "reduce_scatter"
    elif reducing:
        return {1.0: "all_reduce", 0.5: "reduce_scatter"}.get(round(ratio, 1), "") if ranks == 2 else ""
    return ""
