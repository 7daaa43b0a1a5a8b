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
from simulator.platform import Platform, build_platform
from validation.deepbench.allreduce_rows import MeasuredAllReduce

__all__ = ["SYSTEMS", "Machine", "MeasuredSystem", "Parameter", "Terms"]


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
    """

    name: str
    key: str
    quantity: Literal["time", "rate"]


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
        What is fitted. By name: ``call`` of every collective, ``large call`` on arrays from the profile's `large_from`
        on; ``staging``, ``peer``, ``message`` of each message that takes it; the rate of the slowest message where it
        stays ``inside`` a node, passes the one ``socket`` of a node, or runs ``between nodes``.
    """

    profile: str
    devices: tuple[str, ...]
    algorithm: str
    parameters: tuple[Parameter, ...]

    def rows(self, rows: Sequence[MeasuredAllReduce]) -> list[MeasuredAllReduce]:
        """Those that were measured on it."""
        return [row for row in rows if row.device in self.devices]


class Machine:
    """A measured system with its profile loaded, ready to be asked for times."""

    def __init__(self, measured: MeasuredSystem) -> None:
        self.measured = measured
        self.system = load_system(measured.profile)
        self._platforms: dict[int, Platform] = {}

    def platform(self, nodes: int) -> Platform:
        """The machine with so many nodes; the same object every time."""
        if nodes not in self._platforms:
            self._platforms[nodes] = build_platform(self.system, nodes)
        return self._platforms[nodes]

    def order(self, nodes: int, ranks: int) -> tuple[str, ...]:
        """The devices of a run in rank order: node by node, in PCI order, as NCCL threads its ring."""
        per_node = ranks // nodes
        return tuple(d.name for d in self.platform(nodes).accelerators if d.local_index < per_node)

    def simulated(self, row: MeasuredAllReduce) -> float:
        """Time [s] of the row by the simulator, with the numbers of the profile as it stands."""
        devices = self.order(row.nodes, row.ranks)
        return collective_time(self.platform(row.nodes), devices, "all_reduce", row.size, self.measured.algorithm)

    def terms(self, row: MeasuredAllReduce) -> Terms:
        """The time of the row as a sum."""
        platform, order = self.platform(row.nodes), self.order(row.nodes, row.ranks)
        route = platform.route(order[-1], order[0])
        plan = schedule("all_reduce", self.measured.algorithm, row.ranks, row.floats)
        rounds = len(plan.rounds)
        volume = 4.0 * sum(int(transfers.elements.max()) for transfers in plan.rounds)
        coefficients = {parameter.name: 0.0 for parameter in self.measured.parameters}
        known = rounds * (route.latency + route.overhead) + _additions(platform, order[0], plan)
        for name, count in self._software(row).items():
            if name in coefficients:
                coefficients[name] = float(count * rounds)
                known -= count * rounds * self._stated(name)
        for name, amount in ((self._call(row), 1.0), (self._rate(row), volume)):
            if name in coefficients:
                coefficients[name] = amount
        if self._rate(row) not in coefficients:
            known += volume / route.bandwidth
        if self._call(row) not in coefficients:
            known += platform.collective_overhead(row.size)
        return Terms(known, MappingProxyType(coefficients))

    def shipped(self) -> dict[str, float]:
        """The profile's numbers of the parameters: seconds and bytes per second."""
        return {parameter.name: self._stated(parameter.name) for parameter in self.measured.parameters}

    def _stated(self, name: str) -> float:
        overheads, node = self.system.profile.overheads, self.system.node
        collective, socket = overheads.collective, node.peer.socket_bandwidth
        uplinks = [cable.type.bandwidth for cable in node.cables if cable.source == node.host]
        numbers = {
            "call": collective.call if collective else None,
            "large call": collective.large_call if collective else None,
            "staging": overheads.staging,
            "peer": overheads.peer,
            "message": overheads.message,
        }
        if name in numbers:
            number = numbers[name]
            return number.value if number else 0.0
        rates = {
            "inside": uplinks[0] / 2,
            "socket": socket.value if socket else inf,
            "between nodes": self.system.fabric_cables["injection"].flow_cap,
        }
        return rates[name]

    def _call(self, row: MeasuredAllReduce) -> str:
        collective = self.system.profile.overheads.collective
        large_from = collective.large_from if collective else None
        return "large call" if large_from is not None and row.size >= large_from.value else "call"

    def _software(self, row: MeasuredAllReduce) -> dict[str, int]:
        """How often each overhead of the profile is paid by one message of the longest way."""
        node = self.system.node
        if row.nodes > 1:
            return {"message": 1} if node.self_hosted else {"message": 1, "staging": 2}
        return {"staging": 2} if node.peer.staging == "always" else {"peer": 1}

    def _rate(self, row: MeasuredAllReduce) -> str:
        if row.nodes > 1:
            return "between nodes"
        limited = self.system.node.peer.socket_bandwidth is not None and row.ranks > _UNDER_ONE_SWITCH
        return "socket" if limited else "inside"


#: GPUs under the first switch of the ten-GPU node: runs on fewer do not pass the socket.
_UNDER_ONE_SWITCH = 5


def _additions(platform: Platform, device: str, plan: Schedule) -> float:
    """Seconds one rank adds."""
    costs = addition_costs(platform, platform.device(device), plan.elements)
    received = (sum(t.elements for t in action.receives if t.reduce) for action in plan.actions(0))
    return sum(costs.add(elements) for elements in received if elements)


_CALL = Parameter("call", "overheads.collective.call", "time")
_STAGING = Parameter("staging", "overheads.staging", "time")
_INSIDE = Parameter("inside", "node.links: bandwidth from CPU to PCIe switch, twice this rate", "rate")
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
