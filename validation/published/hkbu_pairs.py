"""Which of the two architectures of HKBU's comparison is faster: pairs of measured and predicted throughputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot, inf
from typing import Any

from validation.checks import Verdict
from validation.published.source import Judged

__all__ = ["AT_WORD", "Pair", "all_pairs", "as_on_half", "pair_verdicts", "winners"]

#: Ends the name of a row that is predicted over the network it is said to be of, though it went over another.
AT_WORD = ", at its word"
#: A difference in throughput below this share has no winner.
_TIE = 0.01
#: A difference from this share on is no matter of a few per cent more or less.
_CLEAR = 0.10
_WINNERS = 0.90


@dataclass(frozen=True)
class Pair:
    """A parameter server and an all-reduce of the same network, model, GPUs and way to overlap, or the best of each.

    Attributes
    ----------
    series : tuple
        What it shares with the pairs of other numbers of GPUs.
    gpus : int
    ahead : float
        How much faster than the all-reduce the server was measured, as a share; negative where it was slower.
    sure : bool
        Whether the measured difference exceeds two of its standard deviations.
    right : bool
        Whether the one that was measured faster is predicted to be.
    unseen : bool
        Whether the fits saw neither of its rows.
    """

    series: tuple[str, str, str]
    gpus: int
    ahead: float
    sure: bool
    right: bool
    unseen: bool

    @property
    def name(self) -> str:
        """``"10 GbE TCP, ResNet-50, 8, BSP"``."""
        network, model, kind = self.series
        return f"{network}, {model}, {self.gpus}, {kind}"


def all_pairs(judged: Sequence[Judged], at_word: bool = False) -> list[Pair]:
    """Every pair of several GPUs, in the order of the rows.

    With `at_word`, every row is predicted over the network that the table says it is of.
    """
    sides: dict[tuple[Any, ...], dict[str, list[Judged]]] = {}
    twice = {case.tags for case, _ in judged if case.name.endswith(AT_WORD)}
    for case, check in judged:
        network, model, n, way, architecture = case.tags[:5]
        if n == 1 or (case.tags in twice and case.name.endswith(AT_WORD) != at_word):
            continue
        for kind in ("best", *([way] if way != "MG-WFBP" else [])):
            sides.setdefault((network, model, n, kind), {}).setdefault(str(architecture), []).append((case, check))
    return [_pair(key, rows) for key, rows in sides.items() if set(rows) == {"PS", "A2A"}]


def _pair(key: tuple[Any, ...], rows: Mapping[str, Sequence[Judged]]) -> Pair:
    network, model, gpus, kind = key
    server, ring = (max(rows[side], key=lambda row: row[1].measured) for side in ("PS", "A2A"))
    deviation = hypot(*(float(case.tags[5] if len(case.tags) > 5 else 0) for case, _ in (server, ring)))
    difference = server[1].measured - ring[1].measured
    predicted = [max(check.predicted for _, check in rows[side]) for side in ("PS", "A2A")]
    return Pair(
        series=(network, model, kind),
        gpus=gpus,
        ahead=difference / ring[1].measured,
        sure=abs(difference) > 2.0 * deviation,
        right=(difference > 0) == (predicted[0] > predicted[1]),
        unseen=not any(check.fitted for side in rows.values() for _, check in side),
    )


def winners(judged: Sequence[Judged], tie: float = _TIE, at_word: bool = False) -> list[Pair]:
    """The pairs that differ by `tie` or more."""
    return [pair for pair in all_pairs(judged, at_word) if abs(pair.ahead) >= tie]


def as_on_half(pairs: Sequence[Pair], gpus: int, tie: float = _TIE) -> tuple[int, int]:
    """How often the one that was measured faster on half of the GPUs is faster on `gpus`, and of how many pairs."""
    half = {pair.series: pair.ahead > 0 for pair in pairs if 2 * pair.gpus == gpus}
    same = [half[pair.series] == (pair.ahead > 0) for pair in pairs if pair.gpus == gpus and abs(pair.ahead) >= tie]
    return sum(same), len(same)


def _share(title: str, statement: str, pairs: Sequence[Pair], note: str = "") -> Verdict:
    share = sum(pair.right for pair in pairs) / max(len(pairs), 1)
    return Verdict(title, f"{statement}, {len(pairs)} pairs", share, _WINNERS, "at least", note=note)


def pair_verdicts(title: str, judged: Sequence[Judged]) -> list[Verdict]:
    """What is asked of all of them, and of those that are sure or that no fit saw."""
    pairs = winners(judged)
    edges = (_TIE, 0.03, _CLEAR, inf)
    margins = [
        f"{sum(found)} of {len(found)} that differ by {_between(low, high)}"
        for low, high in pairwise(edges)
        if (found := [pair.right for pair in pairs if low <= abs(pair.ahead) < high])
    ]
    most = max((pair.gpus for pair in pairs), default=0)
    large = [pair.right for pair in pairs if pair.gpus == most]
    right, of = as_on_half(all_pairs(judged), most)
    unseen = [pair for pair in pairs if pair.unseen]
    wrong = "; ".join(pair.name for pair in pairs if not pair.right)
    at_word = sum(pair.right for pair in winners(judged, at_word=True))
    rule = f"of pairs that differ by {_TIE:.0%} or more"
    return [
        _share(
            title,
            f"winner named correctly, share {rule}",
            pairs,
            f"{', '.join(margins)}; wrong: {wrong or 'none'}; right are {at_word} of {len(pairs)} if every row is "
            "predicted over the network that the table says, also where it went over another",
        ),
        _share(
            title,
            "the same, pairs of which no fit saw a row",
            unseen,
            f"{sum(large)} of {len(large)} on {most} GPUs, where who won on {most // 2} wins in {right} of {of}; the "
            "others are of one node, whose rows are much like those that the fits saw on another network",
        ),
        _share(
            title,
            "the same, pairs that differ by more than two standard deviations of what was measured",
            [pair for pair in pairs if pair.sure],
        ),
    ]


def _between(low: float, high: float) -> str:
    return f"{low:.0%} or more" if high == inf else f"{low:.0%} to {high:.0%}"
