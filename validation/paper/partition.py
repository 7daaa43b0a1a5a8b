"""One KNL chip divided into groups of cores: AlexNet on CIFAR-10, beside the paper's seconds to accuracy 0.625.

The paper's seconds are a product of two things: how fast the divided chip takes in samples, and how many samples the
training then needs. Only the first is hardware, and only it is simulated here. What is left of the printed speed-up
when it is divided out is for learning to explain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simulator.cost.device import DeviceCosts
from simulator.platform.partition import group_cores
from simulator.simulation import Simulation, load, simulate
from simulator.trace import Category

__all__ = [
    "GROUPS",
    "MCDRAM",
    "MODES",
    "PRINTED",
    "SAMPLES",
    "Row",
    "core_efficiency",
    "rows",
    "serial_seconds_per_sample",
]

GROUPS = (1, 4, 8, 16, 32)
MODES = ("flat", "cache", "hybrid")
#: Seconds to accuracy 0.625 by the number of groups (T).
PRINTED: Mapping[int, float] = {1: 1605, 4: 1025, 8: 823, 16: 490}
SAMPLES = 50_000  #: training images of CIFAR-10
MCDRAM = 16e9  #: bytes of a chip
_BATCH = 64
#: Intel Caffe, AlexNet with two groups of filters, forward and backward of 256 made-up images on a 7250 in cache mode:
#: seconds an iteration (https://github.com/intel/caffe/issues/132, in the project's reference folder).
_MEASURED_BATCH, _MEASURED_SECONDS = 256, 0.5758


@dataclass(frozen=True)
class Row:
    """One division of the chip in one memory mode.

    Attributes
    ----------
    batch : int
        Samples of a group and step.
    step : float
        [s].
    gradient, exchange : float
        Of it, forward and backward pass; tree reduction with its additions, and update [s].
    footprint, bandwidth : float
        Working set of all groups [bytes], and what it sees of the chip's memory [B/s].
    """

    groups: int
    mode: str
    batch: int
    step: float
    gradient: float
    exchange: float
    footprint: float
    bandwidth: float

    @property
    def samples_per_second(self) -> float:
        """Of all groups together."""
        return self.groups * self.batch / self.step

    def with_serial_part(self, seconds_per_sample: float) -> float:
        """Samples a second when every group spends that much more on each of its samples, whatever its size."""
        return self.groups * self.batch / (self.step + self.batch * seconds_per_sample)


def rows(mode: str, *, data_copies: bool = True, batch: int | None = _BATCH, steps: int = 10) -> Iterator[Row]:
    """Every number of groups in one memory mode; `batch` samples a group, or 64 over all groups if it is None."""
    for groups in GROUPS:
        own = _BATCH // groups if batch is None else batch
        simulation = Simulation(
            load(
                "knl-partition",
                **{
                    "cluster.partitions": groups,
                    "cluster.memory_mode": mode,
                    "workload.batch_size": own,
                    "workload.steps": steps,
                    "algorithm.data_copies": data_copies,
                },
            )
        )
        result = simulation.run()
        gradient = result.breakdown[Category.FORWARD_BACKWARD] / steps
        step = result.time / steps
        footprint = simulation.memory.total * float(groups)
        yield Row(groups, mode, own, step, gradient, step - gradient, footprint, simulation.chip_bandwidth)


def core_efficiency(groups: int, batch: int = _BATCH) -> float:
    """Samples a second and core in a group, over those of a core of the undivided chip; every core has its share of
    MCDRAM bandwidth, and nothing is exchanged.
    """
    simulation = Simulation(load("knl-partition", **{"cluster.partitions": 1}))
    device, network = simulation.workers[0].device, simulation.network
    cores = int(device.units.value)
    fewest = min(group_cores(cores, groups))
    share = fewest / cores
    whole = DeviceCosts(device, network, "fp32", simulation.chip_bandwidth).gradient(batch)
    part = DeviceCosts(device, network, "fp32", simulation.chip_bandwidth * share, fewest).gradient(batch)
    return whole / (part * share)


def serial_seconds_per_sample(steps: int = 5) -> float:
    """What a measured framework takes on the whole chip beyond the simulated kernels [s a sample].

    Taken as serial, so that P groups have P such parts under way at once, it bounds what division can gain outside of
    kernels: any of it that does use many cores gains less.
    """
    changes = {
        "cluster.partitions": 1,
        "cluster.memory_mode": "cache",
        "workload.network": "alexnet-grouped",
        "workload.batch_size": _MEASURED_BATCH,
        "workload.steps": steps,
    }
    result = simulate(load("knl-partition", **changes))
    simulated = result.breakdown[Category.FORWARD_BACKWARD] / steps
    return max(0.0, _MEASURED_SECONDS - simulated) / _MEASURED_BATCH
