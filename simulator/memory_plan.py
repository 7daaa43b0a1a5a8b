"""What a scenario's ranks hold on which device, and whether that fits.

Workers hold what a gradient needs (`simulator.workload.memory`) and the arrays that the algorithm declares
(`simulator.algorithms.holdings`); so does the master, on the host or wherever it runs. Ranks that share a device share
its memory, in equal parts where they are groups of one chip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from simulator.algorithms.holdings import Situation
from simulator.cost.memory_tiers import usable_capacity
from simulator.errors import InfeasibleError, InputError, located
from simulator.hardware.device import Device
from simulator.units import format_quantity
from simulator.workload.memory import MemoryNeed, MemoryOptions, largest_batch, memory_needed

if TYPE_CHECKING:
    from simulator.platform import PlacedDevice
    from simulator.resolved import ResolvedScenario
    from simulator.scenario import Scenario
    from simulator.workload.network import Network

__all__ = ["DevicePlan", "DoesNotFitError", "MemoryPlan", "Remedy", "memory_of", "plan_memory", "remedies"]


_NOTHING = MemoryNeed()


class DoesNotFitError(InfeasibleError):
    """Some device would have to hold more than it can; `plan` says what."""

    def __init__(self, message: str, plan: MemoryPlan | None = None) -> None:
        super().__init__(message)
        self.plan = plan


@dataclass(frozen=True)
class DevicePlan:
    """What one rank's share of a device is asked to hold.

    Attributes
    ----------
    name : str
        Of the placed device; several ranks may share it.
    device : Device
    need : MemoryNeed
        Of one rank, and of a master that runs beside it.
    capacity : float
        What one rank may use [bytes].
    ranks : int
        Ranks that share the device.
    largest_batch : int or None
        The most samples a step that fit there; None where nothing is computed.
    """

    name: str
    device: Device
    need: MemoryNeed
    capacity: float
    ranks: int
    largest_batch: int | None

    @property
    def fits(self) -> bool:
        """Whether it does."""
        return self.need.total <= self.capacity

    def at(self, name: str) -> DevicePlan:
        """The same on an equal device."""
        return DevicePlan(name, self.device, self.need, self.capacity, self.ranks, self.largest_batch)

    @property
    def headroom(self) -> float:
        """What is left [bytes]; negative where it does not fit."""
        return self.capacity - self.need.total


@dataclass(frozen=True)
class MemoryPlan:
    """All of a scenario: a plan for the device of each worker, in rank order, and for each device of the master.

    Attributes
    ----------
    worker : MemoryNeed
        Of a worker that shares its device with no master.
    workers, masters : tuple of DevicePlan
        `masters` leaves out devices that workers run on: those hold both.
    """

    network: str
    algorithm: str
    batch: int
    recompute: bool
    worker: MemoryNeed
    workers: tuple[DevicePlan, ...]
    masters: tuple[DevicePlan, ...]

    @property
    def fits(self) -> bool:
        """Whether everything does."""
        return all(plan.fits for plan in (*self.workers, *self.masters))

    @property
    def largest_batch(self) -> int:
        """The most samples a worker and step that fit on every worker's device; 0 where not even one does."""
        return min(plan.largest_batch or 0 for plan in self.workers)

    @property
    def tightest(self) -> DevicePlan:
        """The worker's device that has least left."""
        return min(self.workers, key=lambda plan: plan.headroom)

    def check(self, where: str) -> None:
        """Refuse what does not fit.

        Raises
        ------
        DoesNotFitError
            One line with the need, the capacity and what would fit.
        """
        tight = self.tightest
        if not tight.fits:
            raise DoesNotFitError(
                f"{where}: workload.batch_size: {self.network} with {self.batch} samples a worker needs "
                f"{format_quantity(tight.need.total, 'size')} on each {tight.device.name}, which has "
                f"{format_quantity(tight.capacity, 'size')}{f' for each of {tight.ranks} groups' * (tight.ranks > 1)}; "
                f"{self.remedy}",
                self,
            )
        for plan in self.masters:
            if not plan.fits:
                raise DoesNotFitError(
                    f"{where}: cluster.master: the master of {self.algorithm} holds "
                    f"{format_quantity(plan.need.total, 'size')}, but {plan.name} ({plan.device.name}) has "
                    f"{format_quantity(plan.capacity, 'size')}; spread it over more with cluster.shards",
                    self,
                )

    @property
    def remedy(self) -> str:
        """What to do where a worker's part does not fit."""
        if self.largest_batch:
            return f"the largest batch that fits is {self.largest_batch}"
        return "not even one sample fits"


def plan_memory(resolved: ResolvedScenario) -> MemoryPlan:
    """The memory plan of a scenario, whether it fits or not."""
    tables, network = resolved.scenario.tables, resolved.network
    situation = Situation(
        len(resolved.workers),
        tuple(elements for _, elements in network.parameter_layout()),
        resolved.element_size,
        resolved.options,
    )
    recompute = tables.workload.recompute
    if recompute and network.recomputation is None:
        where = f"{resolved.scenario.where}: workload.recompute"
        raise InputError(f"{where}: there is nothing in {network.name} that it would save; remove the key")
    options: MemoryOptions = {
        **_copies(resolved.algorithm.holdings(situation)),
        "element_size": resolved.element_size,
        "dataset": resolved.dataset if resolved.options.get("data_copies") else None,
        "recompute": recompute,
    }
    shares, plain, batch = _master_shares(resolved, situation), {}, tables.workload.batch_size
    sharing = Counter(worker.vertex for worker in resolved.workers)
    for device in {worker.device.name: worker.device for worker in resolved.workers}.values():
        runtime = device.runtime_memory.value if device.runtime_memory else 0.0
        plain[device.name] = _Rank(network, batch, {**options, "runtime": runtime}, _capacity(resolved, device))
    return MemoryPlan(
        network.name,
        resolved.algorithm.name,
        batch,
        recompute,
        plain[resolved.workers[0].device.name].need,
        _worker_plans(resolved.workers, plain, shares, sharing),
        tuple(
            DevicePlan(place.name, place.device, shares[place.vertex], _capacity(resolved, place.device), 1, None)
            for place in dict.fromkeys(resolved.master_places)
            if place.vertex not in sharing
        ),
    )


def memory_of(scenario: Scenario) -> MemoryPlan:
    """What a scenario needs, also where it does not fit; nothing is simulated.

    Raises
    ------
    InputError
        If the scenario is wrong in any other way.
    """
    from simulator.resolved import ResolvedScenario

    try:
        return ResolvedScenario(scenario).memory_plan
    except DoesNotFitError as error:
        if error.plan is None:
            raise
        return error.plan


@dataclass(frozen=True)
class Remedy:
    """A change of one key, and the largest batch that then fits."""

    key: str
    value: Any
    largest_batch: int


def remedies(scenario: Scenario) -> tuple[Remedy, ...]:
    """What would let more samples fit: computing parts twice, fewer bits a number, larger batches the first."""
    now, found = memory_of(scenario).largest_batch, list[Remedy]()
    for key, value in (("workload.recompute", True), ("workload.precision", "bf16"), ("workload.precision", "fp16")):
        try:
            batch = memory_of(scenario.override({key: value})).largest_batch
        except (InputError, InfeasibleError):
            continue  # neither every network nor every device has it
        if batch > now and not any(remedy.key == key for remedy in found):
            found.append(Remedy(key, value, batch))
    return tuple(sorted(found, key=lambda remedy: -remedy.largest_batch))


@dataclass(frozen=True)
class _Rank:
    """One worker that shares its device's memory with nothing else."""

    network: Network
    batch: int
    options: MemoryOptions
    capacity: float

    @property
    def need(self) -> MemoryNeed:
        """What it needs."""
        return memory_needed(self.network, self.batch, **self.options)


def _worker_plans(
    workers: Sequence[PlacedDevice],
    plain: Mapping[str, _Rank],
    shares: Mapping[str, MemoryNeed],
    sharing: Mapping[str, int],
) -> tuple[DevicePlan, ...]:
    """The plan of each worker; of ten thousand whose devices hold the same, what that is is worked out once."""
    alike: dict[tuple[str, int, MemoryNeed], DevicePlan] = {}
    plans = []
    for worker in workers:
        kind = worker.device.name, sharing[worker.vertex], shares.get(worker.vertex, _NOTHING)
        if kind not in alike:
            alike[kind] = _worker_plan(worker, plain[kind[0]], *kind[1:])
        plans.append(alike[kind].at(worker.name))
    return tuple(plans)


def _worker_plan(worker: PlacedDevice, rank: _Rank, ranks: int, master: MemoryNeed) -> DevicePlan:
    capacity = rank.capacity / ranks
    # A master beside several ranks takes an equal part of each one's share.
    beside = MemoryNeed(**{name: -(-size // ranks) for name, size in master.parts().items()})
    largest = largest_batch(rank.network, capacity - beside.total, **rank.options)
    return DevicePlan(worker.name, worker.device, rank.need + beside, capacity, ranks, largest)


def _master_shares(resolved: ResolvedScenario, situation: Situation) -> dict[str, MemoryNeed]:
    """What each device of the master holds of it."""
    held = resolved.algorithm.master_holdings(situation)
    if held is None:
        return {}
    spread = {name: copies / len(resolved.master_places) for name, copies in asdict(held).items()}
    options: MemoryOptions = {**_copies(replace(held, **spread)), "element_size": resolved.element_size}
    need = memory_needed(resolved.network, 0, **options)
    if need.master_weights:
        need = replace(need, master_weights=round(need.master_weights / len(resolved.master_places)))
    return {place.vertex: need for place in resolved.master_places}


def _copies(held: object) -> MemoryOptions:
    copies: MemoryOptions = asdict(held)  # type: ignore[call-overload]
    return copies


def _capacity(resolved: ResolvedScenario, device: Device) -> float:
    """What a device can hold in the scenario's memory mode [bytes]."""
    with located(f"{resolved.scenario.where}: cluster.memory_mode"):
        return usable_capacity(device, resolved.memory_mode if device.memory_modes else None)
