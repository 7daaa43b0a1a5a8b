"""The measured systems, and the all-reduce time on them as a sum that is linear in what is fitted.

Every all-reduce runs in lockstep: all ranks finish a round when its slowest message does, and that message crosses
from the last rank to the first (the ring's longest way: through the sockets or between the nodes). So

    time = call + Σ over rounds (software + latency of that route + bytes / rate) + additions

which is linear in the software times and in 1 / rate. Latencies, the software that is not fitted, rates that are not
fitted and the devices' additions are the profile's. A test holds this sum equal to the simulator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Literal

from simulator.collectives.registry import schedule
from simulator.collectives.schedule import Schedule
from simulator.execution.collective_time import addition_costs, collective_time
from simulator.hardware import load_system
from simulator.platform import Platform, Route, build_platform
from validation.deepbench.allreduce_rows import MeasuredAllReduce

__all__ = ["SYSTEMS", "MeasuredSystem", "Parameter", "Terms"]


@dataclass(frozen=True)
class Parameter:
    """One fitted number.

    Attributes
    ----------
    name : str
        Short, for tables.
    key : str
        Where it stands in the system profile.
    quantity : {"time", "rate"}
        In seconds, or in bytes per second; a rate enters the sum as its inverse.
    scale : float
        The profile's number is `scale` times the fitted one: an uplink that two GPUs share is twice their rate.
    """

    name: str
    key: str
    quantity: Literal["time", "rate"]
    scale: float = 1.0


@dataclass(frozen=True)
class Terms:
    """The time of one row: ``known`` seconds plus, for every parameter, its coefficient times it (or its inverse)."""

    known: float
    coefficients: Mapping[str, float]


@dataclass(frozen=True)
class MeasuredSystem:
    """A system profile and the rows that were measured on such a machine.

    Attributes
    ----------
    profile : str
        In ``hardware_profiles/systems``.
    devices : tuple of str
        Names of its rows.
    algorithm : str
        The all-reduce that is played.
    parameters : tuple of Parameter
        What is fitted. By name: ``call`` of every collective, ``large call`` on arrays from the profile's `large_from`;
        ``staging``, ``peer``, ``message`` of each message that takes it; ``inside``, ``socket``, ``between nodes``, the rate of
        the slowest message where it crosses no CPU or sockets of a node / the CPU of a node / nodes.
    """

    profile: str
    devices: tuple[str, ...]
    algorithm: str
    parameters: tuple[Parameter, ...]

    def platform(self, nodes: int) -> Platform:
        """The machine with so many nodes."""
        return build_platform(load_system(self.profile), nodes)

    def rows(self, rows: Sequence[MeasuredAllReduce]) -> list[MeasuredAllReduce]:
        """Those that were measured on it."""
        return [row for row in rows if row.device in self.devices]

    def ring_order(self, platform: Platform, ranks: int) -> tuple[str, ...]:
        """The devices of a run in rank order: node by node, in PCI order, as NCCL threads its ring."""
        per_node = ranks // platform.nodes
        return tuple(device.name for device in platform.accelerators if device.local_index < per_node)

    def simulated(self, row: MeasuredAllReduce) -> float:
        """Time [s] of the row by the simulator, with the numbers of the profile as it stands."""
        platform = self.platform(row.nodes)
        order = self.ring_order(platform, row.ranks)
        return collective_time(platform, order, "all_reduce", row.size, self.algorithm)

    def terms(self, row: MeasuredAllReduce) -> Terms:
        """The time of the row as a sum."""
        platform = self.platform(row.nodes)
        order = self.ring_order(platform, row.ranks)
        route, across = platform.route(order[-1], order[0]), row.nodes > 1
        plan = schedule("all_reduce", self.algorithm, row.ranks, row.floats)
        rounds = len(plan.rounds)
        volume = 4.0 * sum(max(transfer.elements for transfer in transfers) for transfers in plan.rounds)
        coefficients = {parameter.name: 0.0 for parameter in self.parameters}
        known = rounds * route.latency + _additions(platform, order[0], plan)
        overheads = platform.system.profile.overheads
        large_from = overheads.collective.large_from if overheads.collective else None
        calls = "large call" if large_from is not None and row.size >= large_from.value else "call"
        fitted_overhead = 0.0
        for name, count in _software(platform, across, route).items():
            if name in coefficients:
                coefficients[name] = count * rounds
                stated = getattr(overheads, name)
                fitted_overhead += count * stated.value
        known += rounds * (route.overhead - fitted_overhead)
        if calls in coefficients:
            coefficients[calls] = 1.0
        rate = self._rate(platform, row)
        if rate in coefficients:
            coefficients[rate] = volume
        else:
            known += volume / route.bandwidth
        return Terms(known, MappingProxyType(coefficients))

    def shipped(self) -> dict[str, float]:
        """The profile's numbers of the parameters: seconds and bytes per second."""
        system = load_system(self.profile)
        overheads = system.profile.overheads
        collective, peer = overheads.collective, system.profile.node.peer
        flow_cap = system.fabric_cables["injection"].flow_cap
        uplinks = [cable.type.bandwidth for cable in system.node.cables if cable.source == system.node.host]
        stated = {
            "call": collective.call.value if collective else 0.0,
            "large call": collective.large_call.value if collective and collective.large_call else 0.0,
            "staging": overheads.staging.value if overheads.staging else 0.0,
            "peer": overheads.peer.value if overheads.peer else 0.0,
            "message": overheads.message.value if overheads.message else 0.0,
            "inside": uplinks[0] / 2 if uplinks else inf,
            "socket": peer.socket_bandwidth.value if peer.socket_bandwidth else inf,
            "between nodes": flow_cap,
        }
        return {parameter.name: stated[parameter.name] for parameter in self.parameters}

    def _rate(self, platform: Platform, row: MeasuredAllReduce) -> str:
        """Which parameter the rate of the slowest message is, if it is fitted."""
        if row.nodes > 1:
            return "between nodes"
        peer = platform.system.profile.node.peer
        switch_only = peer.socket_bandwidth is not None and row.ranks <= _RANKS_UNDER_ONE_SWITCH
        return "socket" if peer.socket_bandwidth is not None and not switch_only else "inside"


#: Of the ten-GPU node; runs on two and four GPUs stay under one switch.
_RANKS_UNDER_ONE_SWITCH = 5


def _software(platform: Platform, across: bool, route: Route) -> dict[str, int]:
    """How often each overhead of the profile is paid by one message of the longest way."""
    node = platform.system.node
    if across:
        return {"message": 1, "staging": 0 if node.self_hosted or node.gpudirect else 2}
    return {"staging": 2} if node.peer.staging == "always" else {"peer": 1}


def _additions(platform: Platform, device: str, plan: Schedule) -> float:
    """Seconds one rank adds."""
    costs = addition_costs(platform, platform.device(device), plan.elements)
    received = (sum(t.elements for t in action.receives if t.reduce) for action in plan.actions(0))
    return sum(costs.update(elements, arrays=2, writes=1) for elements in received if elements)


_CALL = Parameter("call", "overheads.collective.call", "time")
_STAGING = Parameter("staging", "overheads.staging", "time")
_INSIDE = Parameter("inside", "node.links: bandwidth from CPU to PCIe switch, twice this rate", "rate", 2.0)
_BETWEEN = Parameter("between nodes", "fabric.injection.flow_cap", "rate")

SYSTEMS: tuple[MeasuredSystem, ...] = (
    MeasuredSystem(
        "deepbench-knl-opa",
        ("KNL7250",),
        "rabenseifner",
        (
            Parameter("message", "overheads.message", "time"),
            Parameter("large call", "overheads.collective.large_call", "time"),
            _BETWEEN,
        ),
    ),
    MeasuredSystem("deepbench-m40x8", ("M40",), "ring", (_CALL, _STAGING, _INSIDE, _BETWEEN)),
    MeasuredSystem("deepbench-titanx8", ("TitanX",), "ring", (_CALL, _STAGING, _INSIDE, _BETWEEN)),
    MeasuredSystem("deepbench-p100x8", ("P100",), "ring", (_CALL, _STAGING, _INSIDE)),
    MeasuredSystem(
        "deepbench-plx10",
        ("TitanX_Pascal", "1080Ti"),
        "ring",
        (
            _CALL,
            Parameter("peer", "overheads.peer", "time"),
            _STAGING,
            Parameter("socket", "node.peer.socket_bandwidth", "rate"),
        ),
    ),
)
