"""Who else is on the machine of a scenario with a background: the other jobs' scenarios, and everybody's nodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.errors import InputError, located
from simulator.hardware.catalogue import profile_path
from simulator.sharing.placement import Place, choose_nodes

if TYPE_CHECKING:
    from simulator.scenario import Scenario

__all__ = ["check_same_system", "nodes_of_all", "other_scenarios", "own_place", "system_file", "traffic_nodes"]


def other_scenarios(scenario: Scenario) -> list[Scenario]:
    """The scenarios of the jobs beside this one, with their overrides, each with a seed of its own.

    The machine is this scenario's: its [calibration] and [what_if] hold for all jobs on it, in place of theirs.

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
        for key in job.override:
            if key.partition(".")[0] in ("calibration", "what_if"):
                raise InputError(f"{where}.override: {key} is of the machine; state it in the scenario itself")
        with located(where):
            base = scenario.override({"background": None}) if job.scenario is None else _load(scenario, job.scenario)
            other = base.override({"simulation.seed": seed, **_machine(scenario), **job.override})
        if other.tables.background is not None:
            raise InputError(f"{where}: {job.scenario} has a [background] of its own; expected a job without one")
        if other.tables.learning is not None and not other.tables.simulation.timing_only:
            raise InputError(
                f"{where}: jobs in the background do not learn; override simulation.timing_only = true for their time"
            )
        with located(where):
            check_same_system(scenario, other)
        found.append(other)
    return found


def _machine(scenario: Scenario) -> dict[str, Any]:
    """What this scenario says of the machine, for scenarios that may lie elsewhere."""
    calibration = dict(scenario.data.get("calibration") or {})
    overlay = scenario.directory / str(calibration.get("overlay", ""))
    if overlay.is_file():
        calibration["overlay"] = str(overlay.resolve())
    return {"calibration": calibration or None, "what_if": scenario.data.get("what_if") or None}


def check_same_system(first: Scenario, other: Scenario) -> None:
    """Refuse a job on another system.

    Raises
    ------
    InputError
        If the two scenarios name different systems.
    """
    names = [scenario.tables.cluster.system for scenario in (first, other)]
    files = [system_file(scenario) for scenario in (first, other)]
    if files[0] != files[1]:
        raise InputError(
            f"{other.where}: cluster.system: {names[1]!r} is not the system of {first.where}, {names[0]!r}; jobs share "
            f"one system"
        )


def system_file(scenario: Scenario) -> Path:
    """The file of a scenario's system: beside the scenario first."""
    name = scenario.tables.cluster.system
    beside = scenario.directory / name
    if name.endswith(".toml") and beside.exists():
        return beside.resolve()
    with located(f"{scenario.where}: cluster.system"):
        return profile_path("systems", name).resolve()


def _load(scenario: Scenario, name: str) -> Scenario:
    """A scenario beside this one, or an example."""
    return type(scenario).load(scenario.found(name))


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
