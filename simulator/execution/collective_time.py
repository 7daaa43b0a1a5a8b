"""How long one collective takes on a platform: the executor plays its schedule between chosen devices, alone there.

What counts: the call's overhead, every message's software and its share of the links it crosses, and the additions on
the devices. All ranks call at the same instant. It is what a training run pays for the same collective, because it is
the same code on the same platform.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import simpy

from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.vocabulary import Collective, Operation
from simulator.collectives.registry import schedule
from simulator.collectives.schedule import COLLECTIVES
from simulator.cost.device import StreamCosts
from simulator.cost.memory_tiers import effective_bandwidth
from simulator.cost.rates import element_size
from simulator.errors import InputError, UnknownNameError
from simulator.execution.executor import PARAMETER_CATEGORIES, Executor, RankSetup
from simulator.network.base import network_model
from simulator.platform import PlacedDevice, Platform
from simulator.trace import Category, RankInfo, Trace

__all__ = ["AdditionCosts", "CollectiveRun", "addition_costs", "collective_time", "play_collective"]


@dataclass(frozen=True, eq=False)
class CollectiveRun:
    """One collective, played.

    Attributes
    ----------
    time : float
        Until the last rank is done [s].
    trace : Trace
        Every message, addition and call.
    traffic : dict
        Bytes by link medium; a message counts on every link of its route.
    """

    time: float
    trace: Trace
    traffic: dict[str, float]


class AdditionCosts(StreamCosts):
    """A device that only adds: gradients cannot be asked of it."""

    def gradient(self, samples: int) -> float:
        """Refused."""
        raise NotImplementedError("a collective computes no gradients")

    def forward(self, samples: int) -> float:
        """Refused."""
        raise NotImplementedError("a collective computes no gradients")

    def backward(self, samples: int) -> Sequence[float]:
        """Refused."""
        raise NotImplementedError("a collective computes no gradients")


def addition_costs(platform: Platform, placed: PlacedDevice, elements: int, precision: str = "fp32") -> AdditionCosts:
    """What additions cost a rank that holds an array of so many elements and one of the same size to receive into."""
    profile, device = platform.system.profile, placed.device
    bandwidth = effective_bandwidth(
        device,
        2.0 * elements * element_size(precision),
        mode=profile.memory_mode if device.memory_modes else None,
        cluster_mode=profile.cluster_mode if device.cluster_modes else None,
    )
    return AdditionCosts(device, precision, bandwidth)


def play_collective(
    platform: Platform,
    devices: Sequence[str],
    collective: str,
    size: float,
    algorithm: str,
    *,
    root: int = 0,
    precision: str = "fp32",
    network: str = "fluid",
    **options: Any,
) -> CollectiveRun:
    """Play one collective among `devices`, in that rank order.

    Parameters
    ----------
    platform : Platform
    devices : sequence of str
        Names such as ``"n0.gpu1"``, one a rank; a ring runs through them in this order.
    collective, algorithm : str
        As `simulator.collectives.registry` names them.
    size : float
        Bytes of each rank's array; rounded up to whole elements.
    root : int
        Rank at which a broadcast starts or a reduce ends.
    precision : str
        Of the elements.
    network : str
        Network model, ``"fluid"`` or ``"alpha-beta"``.
    **options
        Of the algorithm.

    Raises
    ------
    UnknownNameError
        For a device, collective, algorithm, option, precision or network model that does not exist.
    InputError
        If there are no devices, one is given twice, or the size is negative or not finite.

    Examples
    --------
    >>> from simulator.hardware import load_system
    >>> from simulator.platform import build_platform
    >>> platform = build_platform(load_system("dgx1-v100"), nodes=1)
    >>> run = play_collective(platform, ["n0.gpu0", "n0.gpu1"], "all_reduce", 100e6, "ring")
    >>> 100e6 * 2 < sum(run.traffic.values()) + 1
    True
    """
    if collective not in COLLECTIVES:
        raise UnknownNameError("collective", collective, COLLECTIVES)
    if not (isfinite(size) and size >= 0):
        raise InputError(f"size of a collective: expected bytes, finite and not negative, got {size!r}")
    placed = [platform.device(name) for name in devices]
    if not placed or len(set(devices)) < len(placed):
        problem = "a device is given twice" if placed else "expected at least one"
        raise InputError(f"devices of a collective: {problem}")
    elements = ceil(size / element_size(precision))
    env = simpy.Environment()
    model = network_model(network)(env)
    trace = Trace(tuple(RankInfo(i, "worker", d.name, d.device.name, d.node) for i, d in enumerate(placed)))
    everyone = tuple(range(len(placed)))
    task = Task(everyone, (), steps=1, layout=(elements,), element_size=element_size(precision))

    def program(rank: Rank) -> Generator[Operation, Any, None]:
        yield Collective(collective, rank.replica(), everyone, root)

    Executor(
        env,
        task,
        [_setup(platform, device, program, precision, elements) for device in placed],
        model,
        route=lambda source, target: platform.route(devices[source], devices[target]),
        category=lambda source, target: PARAMETER_CATEGORIES[platform.link_class(devices[source], devices[target])],
        schedule=lambda kind, ranks, count, at: schedule(kind, algorithm, ranks, count, at, **options),
        trace=trace,
        collective_overhead=platform.collective_overhead,
    ).run()
    return CollectiveRun(trace.duration, trace, model.traffic())


def collective_time(
    platform: Platform, devices: Sequence[str], collective: str, size: float, algorithm: str, **options: Any
) -> float:
    """Time [s] of one collective among `devices`; parameters as for `play_collective`."""
    return play_collective(platform, devices, collective, size, algorithm, **options).time


def _setup(platform: Platform, placed: PlacedDevice, program: Any, precision: str, elements: int) -> RankSetup:
    return RankSetup(
        program=program,
        role="worker",
        costs=addition_costs(platform, placed, elements, precision),
        batch_route=None,
        batch_size=0,
        batch_bytes=0.0,
        jitter=lambda: 1.0,
        update_category=Category.HOST_UPDATE if placed.device.family == "cpu" else Category.DEVICE_UPDATE,
    )
