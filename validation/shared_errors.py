"""How much of the model's error different predictions have in common, and whether odds that rest on it are right.

``clustersim validate training --json rows.json && python -m validation.shared_errors rows.json``; so for `published`.

`simulator.planning.model_error` rests on the first. Rows that no fit saw are paired: another algorithm in the same
setting (machine, network, workers), the same algorithm with other workers, and on another machine. Of each kind of
pair, the part that their errors share is ``Σ e₁ e₂ / Σ (e₁² + e₂²) / 2`` over the logarithms ``e`` of predicted over
measured: 1 for errors that are alike, 0 for errors that have nothing to do with one another. Errors are not centred,
as a prediction does not know their mean.

For the second, each pair of algorithms in one setting gets the odds that draws would give it, from the distance of its
two predictions and the root mean square of all errors of its part, and is asked which was measured to be faster. Odds
are right if of the pairs that were given 80 %, four in five came true.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import log, sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

from simulator.planning.model_error import SHARED

__all__ = ["KINDS", "Erred", "erred_rows", "main", "odds", "shared_part"]

#: Odds that are looked at together.
_BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1.01)

#: The names of rows: of real runs here, and of throughputs that others published.
_NAMES = (
    re.compile(r"(?:[\w-]+), (?P<workers>\d+) workers?, (?P<work>.+)"),
    re.compile(r"(?P<work>.+), (?P<workers>\d+) GPUs?"),
)


@dataclass(frozen=True, slots=True)
class Erred:
    """A prediction of a training run: of what, and the logarithms of the time that was predicted, and measured."""

    part: str
    machine: str
    work: str
    workers: int
    algorithm: str
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """The logarithm of predicted over measured time."""
        return self.predicted - self.measured


Pair = tuple[Erred, Erred]

#: What two rows have in common and what not.
KINDS: Mapping[str, Callable[[Pair], bool]] = {
    "another algorithm in the same setting": lambda pair: (
        _same(pair, "machine", "work", "workers") and not _same(pair, "algorithm")
    ),
    "the same algorithm with other workers": lambda pair: (
        _same(pair, "machine", "work", "algorithm") and not _same(pair, "workers")
    ),
    "the same algorithm on another machine": lambda pair: (
        _same(pair, "work", "workers", "algorithm") and not _same(pair, "machine")
    ),
    "another algorithm with other workers": lambda pair: (
        _same(pair, "machine", "work") and not _same(pair, "workers") and not _same(pair, "algorithm")
    ),
}


def _same(pair: Pair, *what: str) -> bool:
    return all(getattr(pair[0], each) == getattr(pair[1], each) for each in what)


def erred_rows(document: Mapping[str, Any]) -> Iterator[Erred]:
    """The unseen rows of a validation's JSON that are of steps or throughputs of an algorithm on so many workers."""
    for part in document["parts"]:
        for row in part["checks"]:
            found = next(filter(None, (name.fullmatch(row["name"]) for name in _NAMES)), None)
            whole = row["section"] == "time of a step" or row["unit"] in ("samples/s", "images/s")
            if found and whole and row["series"] and not row["fitted"] and min(row["predicted"], row["measured"]) > 0.0:
                # Of a throughput, the time of so many samples is its inverse.
                sign = -1.0 if row["unit"].endswith("/s") else 1.0
                times = [sign * log(row[key]) for key in ("predicted", "measured")]
                yield Erred(part["part"], row["section"], found["work"], int(found["workers"]), row["series"], *times)


def shared_part(pairs: Iterable[Pair]) -> tuple[float, int]:
    """The part of their errors that pairs share, and how many pairs they are; NaN where there are none.

    Examples
    --------
    >>> a, b = (Erred("p", "m", "w", n, "a", 0.1, 0.0) for n in (1, 2))
    >>> shared_part([(a, b)])
    (1.0, 1)
    """
    common = total = 0.0
    count = 0
    for one, other in pairs:
        common += one.error * other.error
        total += (one.error**2 + other.error**2) / 2.0
        count += 1
    return (common / total if total else float("nan")), count


def odds(rows: Sequence[Erred], share: float = SHARED.setting) -> list[tuple[float, bool]]:
    """Each pair of algorithms in one setting: the odds of the one predicted faster, and whether it was.

    Pairs that were predicted or measured equal say nothing and are left out.
    """
    spread = sqrt(sum(row.error**2 for row in rows) / len(rows)) if rows else 0.0
    another = KINDS["another algorithm in the same setting"]
    found = []
    for one, other in combinations(rows, 2):
        apart, measured = other.predicted - one.predicted, other.measured - one.measured
        if another((one, other)) and apart and measured and spread:
            chance = NormalDist().cdf(abs(apart) / (spread * sqrt(2.0 * (1.0 - share))))
            found.append((chance, (apart > 0.0) == (measured > 0.0)))
    return found


def _odds_lines(found: Sequence[tuple[float, bool]]) -> Iterator[str]:
    for low, high in pairwise(_BINS):
        inside = [pair for pair in found if low <= pair[0] < high]
        if inside:
            given, right = (sum(each) / len(inside) for each in zip(*inside, strict=True))
            yield f"given {given:4.0%}, right {right:4.0%}  ({len(inside)} pairs)"


def main(arguments: Sequence[str]) -> None:
    """Print the shared parts of the rows in the named files, and how odds turned out."""
    for path in arguments:
        rows = list(erred_rows(json.loads(Path(path).read_text(encoding="utf-8"))))
        for part in dict.fromkeys(row.part for row in rows):
            own = [row for row in rows if row.part == part]
            pairs = list(combinations(own, 2))
            for kind, belongs in KINDS.items():
                share, count = shared_part(pair for pair in pairs if belongs(pair))
                if count:
                    print(f"{part:10} {kind:40} {share:6.2f}  ({count} pairs)")
            for line in _odds_lines(odds(own)):
                print(f"{part:10} odds {line}")


if __name__ == "__main__":
    main(sys.argv[1:])
