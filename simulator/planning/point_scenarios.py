"""The scenarios of a study, made as they are asked for: a study of 10,000 points keeps none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from simulator.errors import InfeasibleError, InputError, located
from simulator.planning.axes import ALGORITHM, Point, point_scenario
from simulator.scenario import Scenario

__all__ = ["PointScenarios"]


@dataclass(frozen=True)
class PointScenarios(Sequence[Scenario]):
    """The scenarios of all points and replicates, each made when it is asked for."""

    base: Scenario
    points: Sequence[Point]
    replicates: int

    def __len__(self) -> int:
        return len(self.points) * self.replicates

    @overload
    def __getitem__(self, place: int) -> Scenario: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Scenario]: ...
    def __getitem__(self, place: int | slice) -> Scenario | Sequence[Scenario]:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        index, replicate = divmod(place, self.replicates)
        scenario = point_scenario(self.base, self.points[index])
        if not replicate:
            return scenario
        return scenario.override({"simulation.seed": scenario.tables.simulation.seed + replicate})

    def __iter__(self) -> Iterator[Scenario]:
        return (self[place] for place in range(len(self)))

    def check(self) -> None:
        """Find what is wrong with the study before it begins: every key, every value, every name that is varied.

        A point may be refused for what it asks of the system, so the other names are taken to be right if the base or
        the first point can be resolved, or is refused for being infeasible.

        Raises
        ------
        InputError
        """
        from simulator.resolved import ResolvedScenario

        first = self[0]
        for point in self.points:
            point_scenario(self.base, point)
        for key in (ALGORITHM, *_named_files()):
            for value in dict.fromkeys(point[key] for point in self.points if key in point):
                _check_name(key, point_scenario(self.base, {key: value}))
        if self.replicates > 1 and "simulation.seed" in self.points[0]:
            raise InputError("simulation.seed: is varied, and by replicates too; expected one of them")
        for scenario in (first, self.base):
            try:
                ResolvedScenario(scenario)
            except InfeasibleError:
                return
            except InputError as error:
                problem = error
            else:
                return
        raise problem


def _named_files() -> Mapping[str, Callable[[str], object]]:
    """Keys whose values are names of profiles, and what loads them."""
    from simulator.hardware import load_system
    from simulator.workload import load_dataset, load_network

    return {"cluster.system": load_system, "workload.network": load_network, "workload.dataset": load_dataset}


def _check_name(key: str, scenario: Scenario) -> None:
    """Load what the scenario names at that key."""
    from simulator.algorithms import load_algorithm
    from simulator.resolved import LEARNER

    table, _, name = key.partition(".")
    value = getattr(getattr(scenario.tables, table), name)
    if value == LEARNER:
        return
    if key == ALGORITHM:
        algorithm = load_algorithm(scenario.found(value), f"{scenario.where}: {key}")
        algorithm.resolve_options(scenario.tables.algorithm.model_extra or {}, scenario.where)
        return
    with located(f"{scenario.where}: {key}"):
        _named_files()[key](scenario.found(value))
