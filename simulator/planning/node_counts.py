"""Which node counts a plan tries: ``"1..64"`` and its relatives.

``4,12,20``
    These.
``1..64``
    The ends and the powers of two between them: 1, 2, 4, …, 64. Times change little from one count to the next.
``1..64:all``
    Every one.
``1..64:smallest``
    Whatever it takes to find the fewest nodes of each system and algorithm that meet the deadline or the throughput
    that was asked for; see `simulator.planning.search`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.errors import InputError

__all__ = ["NodeCounts", "parse_nodes"]

_EXPECTED = "expected node counts such as 4, 1,2,4, 1..64, 1..64:all or 1..64:smallest"
_PART = re.compile(r"(\d+)(?:\.\.(\d+)(?::(all|smallest))?)?")
#: More than anybody wants to simulate one by one.
_MOST = 4096


@dataclass(frozen=True, slots=True)
class NodeCounts:
    """Node counts to try, ascending; with `smallest`, the bounds of a search.

    Attributes
    ----------
    counts : tuple of int
        All of them, or the lower and the upper bound of the search.
    smallest : bool
        Whether the fewest that meet what was asked for are searched.
    """

    counts: tuple[int, ...]
    smallest: bool = False


def parse_nodes(text: str) -> NodeCounts:
    """Node counts as they are written on the command line.

    Raises
    ------
    InputError
        If the text is none of the forms above, a count is 0, or a range runs backwards.

    Examples
    --------
    >>> parse_nodes("1..12").counts, parse_nodes("3,1..2:all").counts
    ((1, 2, 4, 8, 12), (1, 2, 3))
    """
    found: set[int] = set()
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        match = _PART.fullmatch(part)
        if match is None:
            raise InputError(f"nodes: {_EXPECTED}, got {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last:
            raise InputError(f"nodes: {part!r}: expected at least 1, and the smaller count first")
        if match[3] == "smallest":
            if len(parts) > 1:
                raise InputError(f"nodes: {part!r}: a search stands alone, got {text!r}")
            return NodeCounts((first, last), smallest=True)
        found |= _range(first, last, match[3] == "all", part)
    return NodeCounts(tuple(sorted(found)))


def _range(first: int, last: int, everything: bool, part: str) -> set[int]:
    if not everything:
        powers = (1 << power for power in range(first.bit_length(), last.bit_length()))
        return {first, last, *powers}
    if last - first >= _MOST:
        raise InputError(f"nodes: {part!r}: expected at most {_MOST:,} counts")
    return set(range(first, last + 1))
