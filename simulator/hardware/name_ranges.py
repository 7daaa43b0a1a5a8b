"""Short forms for many names: ``"gpu[0-3,6]"`` stands for gpu0, gpu1, gpu2, gpu3, gpu6.

Several brackets in one name give every combination, the last one varying fastest, as a shell's braces do.
"""

from __future__ import annotations

import itertools
import re

__all__ = ["expand"]

#: More names than this from one range is taken for a slip of the pen, not for a machine.
LARGEST = 100_000

_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_ITEM = re.compile(r"^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$")
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.\-]*$")


def expand(text: str) -> tuple[str, ...]:
    """The names a text with ranges stands for, in the order written.

    Raises
    ------
    ValueError
        If a range is empty, runs backwards, is not made of numbers, is absurdly long, or gives a name that does not
        start with a letter.

    Examples
    --------
    >>> expand("gpu[0-2,5]")
    ('gpu0', 'gpu1', 'gpu2', 'gpu5')
    >>> expand("n[0-1].nic[0-1]")
    ('n0.nic0', 'n0.nic1', 'n1.nic0', 'n1.nic1')
    >>> expand("cpu")
    ('cpu',)
    """
    pieces = _BRACKET.split(text)
    literals, brackets = pieces[::2], [_numbers(body, text) for body in pieces[1::2]]
    names = []
    for numbers in itertools.islice(itertools.product(*brackets), LARGEST + 1):
        middle = (f"{number}{literal}" for number, literal in zip(numbers, literals[1:], strict=True))
        names.append(literals[0] + "".join(middle))
    if len(names) > LARGEST:
        raise ValueError(f"expected at most {LARGEST} names from one range, got more from {text!r}")
    if not _NAME.match(names[0]):
        raise ValueError(f"expected a name such as 'gpu0' or 'gpu[0-3]', got {text!r}")
    return tuple(names)


def _numbers(body: str, text: str) -> list[int]:
    numbers: list[int] = []
    for item in body.split(","):
        match = _ITEM.match(item)
        if match is None:
            raise ValueError(f"expected a range such as 'gpu[0-3]' or 'gpu[0,2]', got {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= LARGEST:
            raise ValueError(f"expected a range that runs upwards, such as 'gpu[0-3]', got {text!r}")
        numbers.extend(range(first, last + 1))
    return numbers
