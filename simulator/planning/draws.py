"""Times of several scenarios in the same uncertain worlds, and what they say: who beats whom, how often, and by when.

A row is one world: one set of calibrated parameters, one seed of chance, one error of the model. Scenarios are compared
row by row, so that what is uncertain alike for all of them cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from simulator.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas

__all__ = ["DRAWS_SCHEMA", "Draws", "Measure", "Standing", "certainty"]

#: What scenarios are compared by.
Measure: TypeAlias = Literal["time", "cost"]

DRAWS_SCHEMA = "clustersim/draws/1"
#: Probability that an interval holds the time, unless said otherwise.
_LEVEL = 0.9


@dataclass(frozen=True)
class Standing:
    """Where one scenario stands among the others.

    Attributes
    ----------
    name : str
    median, low, high : float
        Of its time over the draws [s]; low and high hold 90 % of them.
    best : float
        Share of the draws in which nobody is faster for the same work; equals share.
    ranks : tuple of float
        Share of the draws in which it comes first, second, and so on.
    """

    name: str
    median: float
    low: float
    high: float
    best: float
    ranks: tuple[float, ...]


@dataclass(frozen=True)
class Draws:
    """Times of scenarios, draw by draw.

    Attributes
    ----------
    names : tuple of str
        The scenarios.
    times : ndarray, shape (draws, scenarios)
        Seconds of the run, or until its target accuracy; infinite where that was not reached.
    work : ndarray, shape (scenarios,)
        Samples that the run gets through, or 1 where it ends by what is learned. Scenarios are compared by time over
        work.
    costs : ndarray, shape (scenarios,)
        US dollars a second; NaN where a price is unknown.
    spread : mapping
        By source of uncertainty ("parameters", "model", "chance"), the standard deviation that it alone gives each
        scenario's time, relative to it, shape (scenarios,).
    luck : ndarray, shape (draws, scenarios)
        The factor on each time that is chance alone; 1 where there is none, or where it cannot be told from the rest.
    otherwise : mapping
        The same times if the model's errors were shared differently: "alone" and "together".
    notes : tuple of str
        What the draws do not hold, and how they were made; one line each.
    """

    names: tuple[str, ...]
    times: np.ndarray
    work: np.ndarray
    costs: np.ndarray
    spread: Mapping[str, np.ndarray]
    luck: np.ndarray
    otherwise: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    def place(self, name: str) -> int:
        """The column of a scenario.

        Raises
        ------
        UnknownNameError
            If there is none of that name.
        """
        if name not in self.names:
            raise UnknownNameError("scenario of the draws", name, self.names)
        return self.names.index(name)

    def beats(self, first: str, second: str, by: Measure = "time") -> float:
        """Share of the draws in which `first` takes less time than `second`, or costs less, for the same work.

        A draw in which they are equal counts half. NaN if costs are asked for and one is unknown.
        """
        return self._beats(self.times, first, second, by)

    def beats_range(self, first: str, second: str, by: Measure = "time") -> tuple[float, float]:
        """The least and the most that this share can be, by how much of the model's error scenarios share."""
        shares = [self._beats(times, first, second, by) for times in (self.times, *self.otherwise.values())]
        return min(shares), max(shares)

    def _beats(self, times: np.ndarray, first: str, second: str, by: Measure) -> float:
        rates = 1.0 / self.work if by == "time" else self.costs / self.work
        a, b = (times[:, place] * rates[place] for place in (self.place(first), self.place(second)))
        if np.isnan(a).any() or np.isnan(b).any():
            return float("nan")
        return float(np.mean(a < b) + np.mean(a == b) / 2.0)

    def interval(self, name: str, level: float = _LEVEL) -> tuple[float, float]:
        """Seconds between which at least `level` of a scenario's times lie, as many below as above."""
        column = np.sort(self.times[:, self.place(name)])
        outside = int((0.5 - level / 2.0) * (len(column) - 1))
        return float(column[outside]), float(column[-1 - outside])

    def within(self, name: str, *, deadline: float | None = None, budget: float | None = None) -> float:
        """Share of the draws in which a scenario keeps a deadline [s] and a budget [US dollars].

        NaN if a budget is asked for and the price is unknown. Cost is taken to grow with time.
        """
        place = self.place(name)
        times = self.times[:, place]
        kept = np.ones(len(times), bool)
        if deadline is not None:
            kept &= times <= deadline
        if budget is not None:
            if np.isnan(self.costs[place]):
                return float("nan")
            kept &= times * self.costs[place] <= budget
        return float(np.mean(kept))

    def ranking(self) -> list[Standing]:
        """All scenarios, the one with the least median time for the same work first."""
        scores = self.times / self.work
        ranks, best = _ranks(scores)
        order = np.argsort(np.median(scores, axis=0), kind="stable")
        return [
            Standing(
                self.names[i],
                float(np.median(self.times[:, i])),
                *self.interval(self.names[i]),
                float(best[i]),
                tuple(float(share) for share in ranks[i]),
            )
            for i in order
        ]

    def scaled(self, factors: Mapping[str, float]) -> Draws:
        """With the times and the work of the named scenarios multiplied: from a few simulated steps to a whole job.

        Chance averages out over more of the same: its relative deviation shrinks with the root of the factor.
        """
        by = np.array([factors.get(name, 1.0) for name in self.names])
        shrunk = np.sqrt(np.maximum(by, 1.0))
        # What never ends cannot be put down to luck.
        usual = np.isfinite(self.luck) & (self.luck > 0.0)
        luck = np.where(usual, 1.0 + (self.luck - 1.0) / shrunk, self.luck)
        again = by * np.where(usual, luck, 1.0) / np.where(usual, self.luck, 1.0)
        return replace(
            self,
            times=self.times * again,
            work=self.work * by,
            luck=luck,
            spread={source: stds / (shrunk if source == "chance" else 1.0) for source, stds in self.spread.items()},
            otherwise={key: times * again for key, times in self.otherwise.items()},
        )

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` writes it."""
        return {
            "schema": DRAWS_SCHEMA,
            "draws": len(self),
            "ranking": [
                {
                    "name": each.name,
                    "median_s": _finite(each.median),
                    "low_s": _finite(each.low),
                    "high_s": _finite(each.high),
                    "level": _LEVEL,
                    "best": each.best,
                    "ranks": list(each.ranks),
                    "spread": {source: float(stds[self.place(each.name)]) for source, stds in self.spread.items()},
                }
                for each in self.ranking()
            ],
            "beats": {
                first: {second: self.beats(first, second) for second in self.names if second != first}
                for first in self.names
            },
            "notes": list(self.notes),
        }

    def to_frame(self) -> pandas.DataFrame:
        """The times as a pandas DataFrame: a row a draw, a column a scenario [s]."""
        from simulator.frames import frame_of

        return frame_of({name: self.times[:, place] for place, name in enumerate(self.names)})

    def __repr__(self) -> str:
        return f"<{len(self)} draws of {', '.join(self.names)}>"

    def _repr_html_(self) -> str:
        from simulator.report.notebook import draws_html

        return draws_html(self)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _ranks(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the draws in each rank, shape (scenarios, scenarios), and in which each is best; equals share ranks."""
    draws, count = scores.shape
    ranks = np.zeros((count, count))
    for row in scores:
        order = np.argsort(row, kind="stable")
        _, starts, equal = np.unique(row[order], return_index=True, return_counts=True)
        for start, many in zip(starts, equal, strict=True):
            same = order[start : start + many]
            ranks[np.ix_(same, np.arange(start, start + many))] += 1.0 / many
    ranks /= draws
    return ranks, ranks[:, 0]


def certainty(names: Sequence[str], draws: Draws, by: Measure = "time") -> list[str]:
    """How sure an order is: a line for each neighbouring pair of `names`, the better first.

    In brackets, where it makes a difference: the same if the model's errors were wholly each one's own, or shared.
    """
    count = len(draws)
    verb = {"time": "beats", "cost": "costs less than"}[by]
    lines = []
    for first, second in pairwise(names):
        share = draws.beats(first, second, by)
        if np.isnan(share):
            lines.append(f"whether {first} {verb} {second} cannot be said: a price is unknown")
            continue
        low, high = (round(each * count) for each in draws.beats_range(first, second, by))
        text = f"{first} {verb} {second} in {round(share * count)} of {count} draws"
        lines.append(f"{text} ({low} to {high} by how much of the model's error they share)" if high > low else text)
    return lines
