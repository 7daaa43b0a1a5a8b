"""What came of a study: a row for every point, as plain records, JSON or a pandas DataFrame."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.errors import InputError
from simulator.planning.axis import Point
from simulator.planning.keys import release
from simulator.planning.metrics import METRICS
from simulator.planning.outcome import Status
from simulator.planning.progress import Progress
from simulator.planning.replicates import Interval
from simulator.scenario import Scenario

if TYPE_CHECKING:
    import pandas

__all__ = ["STUDY_SCHEMA", "Row", "Study"]

STUDY_SCHEMA = "clustersim/study/1"


@dataclass(frozen=True)
class Row:
    """One point over its replicates.

    Attributes
    ----------
    point : mapping
        The value of each varied key.
    status : {"done", "infeasible", "failed"}
        Failed if one of the replicates is; infeasible if one is that, and none failed.
    message : str
        Of the first replicate that is not done.
    values : mapping
        What the replicates that are done say of each of `simulator.planning.metrics.METRICS` that they have.
    bounded_by : str
        The largest part of the critical path, of the first replicate that is done.
    efficiency : float or None
        Throughput a worker over that of the fewest workers, all else equal; None where there is nothing to compare to.
    """

    point: Point
    status: Status
    message: str
    values: Mapping[str, Interval]
    bounded_by: str
    efficiency: float | None = None

    @property
    def replicates(self) -> int:
        """How many replicates are done."""
        return max((value.replicates for value in self.values.values()), default=0)

    def record(self) -> dict[str, Any]:
        """The row as plain numbers and text; see docs/studies.md. What is unknown is None."""
        numbers: dict[str, Any] = {}
        for name in METRICS:
            found = self.values.get(name)
            numbers[name] = None if found is None else found.mean
            numbers[f"{name}_half_width"] = None if found is None or math.isnan(found.half_width) else found.half_width
        return {
            **self.point,
            "status": self.status,
            "message": self.message,
            "replicates": self.replicates,
            "efficiency": self.efficiency,
            "bounded_by": self.bounded_by,
            **numbers,
        }


@dataclass(frozen=True)
class Study:
    """What came of a study.

    Attributes
    ----------
    scenario : Scenario
        What was varied.
    keys : tuple of str
        The varied keys.
    table : tuple of Row
        In the order of the points.
    replicates : int
        Seeds of each point.
    progress : Progress
        How much was simulated and how much found.
    tied : tuple of tuples of str
        Varied keys that went together.
    """

    scenario: Scenario
    keys: tuple[str, ...]
    table: tuple[Row, ...]
    replicates: int
    progress: Progress
    tied: tuple[tuple[str, ...], ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """A plain record for each point: the varied keys, the status, and the numbers with their intervals."""
        return [row.record() for row in self.table]

    def to_dict(self) -> dict[str, Any]:
        """The study as JSON; its keys are documented in docs/studies.md and change only with `schema`."""
        return {
            "schema": STUDY_SCHEMA,
            "release": release(),
            "scenario": self.scenario.tables.model_dump(mode="json"),
            "keys": list(self.keys),
            "replicates": self.replicates,
            "points": {
                "simulated": self.progress.simulated,
                "found": self.progress.found,
                "infeasible": self.progress.infeasible,
                "failed": self.progress.failed,
            },
            "rows": self.rows(),
        }

    def to_frame(self) -> pandas.DataFrame:
        """The rows as a pandas DataFrame.

        Raises
        ------
        InputError
            If pandas, an extra, is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise InputError("a DataFrame needs pandas: pip install 'clustersim[notebook]'") from None
        return pandas.DataFrame(self.rows())
