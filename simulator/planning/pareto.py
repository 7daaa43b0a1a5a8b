"""Which of several choices no other is better than: the Pareto front of figures that are all to be small.

One choice dominates another that it equals or beats in every figure and beats in at least one. Choices that nothing
dominates make the front, all of them where several are equal. A figure that is unknown counts as worse than any that
is known: a cluster whose price nobody states is no bargain, but may be the fastest.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isnan

__all__ = ["dominates", "pareto_front"]

#: Figures of a choice; None where one is not known.
Figures = Sequence[float | None]


def dominates(one: Figures, other: Figures) -> bool:
    """Whether `one` equals or beats `other` everywhere, and beats it somewhere.

    Examples
    --------
    >>> dominates((1.0, 5.0), (2.0, 5.0)), dominates((1.0, 5.0), (1.0, 5.0)), dominates((1.0, None), (2.0, 5.0))
    (True, False, False)
    """
    pairs = list(zip(map(_known, one), map(_known, other), strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def pareto_front(choices: Sequence[Figures]) -> list[int]:
    """Places in `choices` of those that no other dominates, in their order.

    Examples
    --------
    >>> pareto_front([(1.0, 9.0), (2.0, 4.0), (3.0, 4.0), (2.0, 4.0)])
    [0, 1, 3]
    """
    figures = [tuple(map(_known, choice)) for choice in choices]
    front: list[int] = []
    # In lexical order nothing is dominated by what comes after it, so the front so far is all there is to ask.
    for place in sorted(range(len(figures)), key=lambda place: figures[place]):
        if not any(dominates(figures[other], figures[place]) for other in front):
            front.append(place)
    return sorted(front)


def _known(figure: float | None) -> float:
    return inf if figure is None or isnan(figure) else figure
