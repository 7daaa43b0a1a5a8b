"""One machine for several jobs: each placed on its nodes, and refused where they could not be on one machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.calibration.effects import check_effects as check_parameters
from simulator.calibration.effects import why_without_effect as why_parameter_is_idle
from simulator.errors import InputError
from simulator.sharing.neighbours import check_same_system
from simulator.sharing.placement import Place, Scheme
from simulator.what_if import check_effects as check_factors
from simulator.what_if import why_without_effect as why_factor_is_idle

if TYPE_CHECKING:
    from simulator.hardware.system import System
    from simulator.scenario import Scenario
    from simulator.simulation import Simulation

__all__ = ["check_one_machine", "colocated_place", "placed"]


def placed(scenarios: Sequence[Scenario], nodes: Sequence[tuple[int, ...]], scheme: Scheme) -> list[Simulation]:
    """Simulations of several scenarios on one machine, each on its nodes.

    Raises
    ------
    InputError
        If a scenario is wrong by itself, or they cannot be on one machine.
    """
    from simulator.simulation import Simulation

    simulations: list[Simulation] = []
    for scenario, own in zip(scenarios, nodes, strict=True):
        before = simulations if scheme == "colocated" else []
        simulation = Simulation(scenario, colocated_place(own, before, guest=True))
        if simulations:
            check_one_machine(simulations[0], simulation)
        else:
            check_sharing(simulation)
        simulations.append(simulation)
    for simulation in simulations:
        _check_effects(simulation, simulations)
    return simulations


def _check_effects(simulation: Simulation, jobs: Sequence[Simulation]) -> None:
    """Refuse what a job says of the machine if that is of no use to any of the jobs that say it."""
    for name in simulation.what_if.factors:
        if all(why_factor_is_idle(name, job) for job in jobs if name in job.what_if.factors):
            check_factors(simulation.what_if, simulation)
    for name in simulation.calibration.stated:
        if all(why_parameter_is_idle(name, job) for job in jobs if name in job.calibration.stated):
            check_parameters(simulation.calibration, simulation)


def colocated_place(nodes: tuple[int, ...], others: Sequence[Simulation], guest: bool = False) -> Place:
    """A place on nodes of which other jobs, if any are given, have their workers' devices already.

    Raises
    ------
    InputError
        If the devices of such nodes cannot be told apart.
    """
    for other in others:
        node = other.platform.system.node
        if node.processes is not None or other.platform.partitions > 1 or node.self_hosted:
            raise InputError(
                f"{other.scenario.where}: jobs cannot share nodes of {other.platform.system.name}, which are one chip "
                f"each; expected another placement than 'colocated'"
            )
    return Place(nodes, frozenset(worker.name for other in others for worker in other.workers), guest)


def check_sharing(simulation: Simulation) -> None:
    """Refuse a job whose network model lets nobody feel anybody else."""
    model = simulation.scenario.tables.network.model
    if model != "fluid":
        raise InputError(
            f"{simulation.scenario.where}: network.model: jobs share links only with 'fluid', got {model!r}"
        )


def _links(system: System) -> tuple[object, ...]:
    """What a system says of its links, which a [what_if] may have changed."""
    return system.fabric_cables, system.fabric_links, system.node.cables


def check_one_machine(first: Simulation, other: Simulation) -> None:
    """Refuse two jobs that cannot be on one machine: other links between other nodes.

    Raises
    ------
    InputError
        If their systems, or corrections of them, differ, or one has a network model without sharing.
    """
    check_sharing(first)
    check_sharing(other)
    check_same_system(first.scenario, other.scenario)
    a, b = first.platform, other.platform
    if a.corrections != b.corrections or _links(a.system) != _links(b.system):
        raise InputError(
            f"{other.scenario.where}: calibration: corrects links otherwise than {first.scenario.where}; jobs on one "
            f"system need the same [calibration] and [what_if] of links"
        )
