"""Who else is on the machine of a scenario with a background: the other jobs' scenarios, and everybody's nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import InputError, located
from simulator.sharing.placement import Place, choose_nodes

if TYPE_CHECKING:
    from simulator.scenario import Scenario

__all__ = ["nodes_of_all", "other_scenarios", "own_place", "traffic_nodes"]


def other_scenarios(scenario: Scenario) -> list[Scenario]:
    """The scenarios of the jobs beside this one, with their overrides, each with a seed of its own.

    A job's seed is this scenario's plus the job's number from 1, unless its overrides state another: with the same
    seed, equal jobs would have the same jitter, and straggle together.

    Raises
    ------
    InputError
        If one does not exist, is no scenario, learns, or has a background itself.
    """
    table = scenario.tables.background
    found = []
    for number, job in enumerate([] if table is None else table.jobs):
        where = f"{scenario.where}: background.jobs[{number}]"
        seed = scenario.tables.simulation.seed + number + 1
        with located(where):
            base = scenario.override({"background": None}) if job.scenario is None else _load(scenario, job.scenario)
            other = base.override({"simulation.seed": seed, **job.override})
        if other.tables.background is not None:
            raise InputError(f"{where}: {job.scenario} has a [background] of its own; expected a job without one")
        if other.tables.learning is not None and not other.tables.simulation.timing_only:
            raise InputError(
                f"{where}: jobs in the background do not learn; override simulation.timing_only = true for their time"
            )
        found.append(other)
    return found


def _load(scenario: Scenario, name: str) -> Scenario:
    """A scenario beside this one, or an example."""
    beside = scenario.directory / name
    return type(scenario).load(beside if name.endswith(".toml") and beside.exists() else name)


def traffic_nodes(scenario: Scenario, available: int) -> int:
    """Nodes of the tenants whose traffic is in the background: as many as the job has, as far as there are any left."""
    table = scenario.tables.background
    if table is None or not table.load:
        return 0
    if table.nodes is not None:
        return table.nodes
    left = available - scenario.tables.cluster.nodes - sum(s.tables.cluster.nodes for s in other_scenarios(scenario))
    return max(min(scenario.tables.cluster.nodes, left), 2)


def nodes_of_all(scenario: Scenario, available: int) -> list[tuple[int, ...]]:
    """The nodes of the job, of each other job, and of the tenants whose traffic there is (if there is any).

    Parameters
    ----------
    scenario : Scenario
        With a background.
    available : int
        Nodes that the system has.

    Raises
    ------
    InfeasibleError
        If the system has not enough of them.
    """
    table = scenario.tables.background
    assert table is not None
    jobs = [scenario, *other_scenarios(scenario)]
    counts = [job.tables.cluster.nodes for job in jobs]
    tenants = traffic_nodes(scenario, available)
    seed = scenario.tables.simulation.seed if table.seed is None else table.seed
    with located(f"{scenario.where}: background"):
        if table.placement == "colocated":
            # The tenants' traffic comes from other nodes all the same.
            _, rest = choose_nodes([max(counts), tenants], "packed", available)
            return [*choose_nodes(counts, "colocated", available), *([rest] if tenants else [])]
        everyone = [*counts, *([tenants] if tenants else [])]
        return choose_nodes(everyone, table.placement, available, machine_nodes=table.machine_nodes, seed=seed)


def own_place(scenario: Scenario, available: int) -> Place | None:
    """Where a scenario with a background is on the machine; None for the first nodes of one without."""
    if scenario.tables.background is None:
        return None
    return Place(nodes_of_all(scenario, available)[0])
