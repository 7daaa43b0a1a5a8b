"""What the written profile says of whole gradients, against what they take: no fit has seen those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.cost.device import DeviceCosts
from simulator.hardware.system import System
from simulator.learning import load_data, load_learner
from simulator.learning.threads import one_thread
from simulator.learning.workload import workload_network
from simulator.probe.fits import PRECISION
from simulator.probe.timing import Measured, time_in_turn
from simulator.randomness import stream

__all__ = ["GradientCheck", "check_gradients"]

_DATA = {"mlp": "synthetic:shape=1x8x8,samples=400", "lenet": "synthetic:shape=1x28x28,samples=400"}
_BATCHES = (8, 64)


@dataclass(frozen=True)
class GradientCheck:
    """One gradient: of what, predicted [s], measured [s]."""

    learner: str
    batch: int
    predicted: float
    measured: Measured

    @property
    def error(self) -> float:
        """Predicted over measured, less one."""
        return self.predicted / self.measured.value - 1.0


def check_gradients(system: System, rounds: int) -> tuple[GradientCheck, ...]:
    """Gradients of the built-in networks on one core."""
    works: dict[tuple[str, int], Callable[[], object]] = {}
    predicted: dict[tuple[str, int], float] = {}
    device = system.devices[system.node.host]
    assert device.core_bandwidth is not None, "a profile of the probe states it"
    for name, source in _DATA.items():
        data = load_data(source)
        learner = load_learner(name, data)
        weights = learner.initial(stream(0, "probe"))
        costs = DeviceCosts(device, workload_network(learner, data), PRECISION, device.core_bandwidth.value, 1)
        for batch in _BATCHES:
            works[name, batch] = _gradient(learner, weights, data.train_inputs[:batch], data.train_labels[:batch])
            predicted[name, batch] = costs.gradient(batch)
    with one_thread():
        measured = time_in_turn(works, rounds)
    return tuple(GradientCheck(*key, predicted[key], measured[key]) for key in works)


def _gradient(learner: Any, weights: Any, inputs: Any, labels: Any) -> Callable[[], object]:
    return lambda: learner.gradient(weights, inputs, labels)
