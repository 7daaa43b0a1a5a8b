"""The fewest nodes that will do, found without trying all: by doubling, then by halving the interval.

This takes for granted that more nodes do not make a training miss what fewer meet. With a fixed batch a worker that
holds until communication grows faster than computation shrinks, so the search goes upwards from the fewest nodes that
arithmetic alone allows, and the answer is always a count that was found to do beside one less that was found not to.
"""

from __future__ import annotations

from collections.abc import Generator

__all__ = ["fewest"]


def fewest(first: int, last: int) -> Generator[int, bool, int | None]:
    """A search: yields counts to try, is sent whether each will do, returns the fewest that do or None.

    Examples
    --------
    >>> search, tried = fewest(1, 64), []
    >>> try:
    ...     count = next(search)
    ...     while True:
    ...         tried.append(count)
    ...         count = search.send(count >= 11)
    ... except StopIteration as stop:
    ...     print(stop.value, tried)
    11 [1, 2, 4, 8, 16, 12, 10, 11]
    """
    low, high, stride = first - 1, first, 1
    while not (yield high):
        if high == last:
            return None
        low, high, stride = high, min(last, high + stride), 2 * stride
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if (yield middle) else (middle, high)
    return high
