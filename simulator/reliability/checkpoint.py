"""What a checkpoint of a scenario holds, and how long it takes.

It holds what must be there to go on: the weights and the optimizer state that one worker keeps, and the algorithm's
other lasting copies of them (a centre). Workers' own replicas beside that one are not saved: those of synchronous
methods are the same, and those of elastic averaging start from the centre. Gradients, activations and messages are made
anew.

A checkpoint that is written while training waits stops it for size / bandwidth of the storage. An asynchronous one is
copied to host memory first, which stops training for the copy, and is safe when it has been written behind it; that the
writing slows training down is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simulator.reliability.table import ReliabilityTable, bytes_of, rate

if TYPE_CHECKING:
    from simulator.resolved import ResolvedScenario

__all__ = ["checkpoint_size", "checkpoint_times"]

_LASTING = ("optimizer", "copies")


def checkpoint_size(table: ReliabilityTable, parts: Mapping[str, float]) -> float:
    """Bytes of a checkpoint, where `parts` is what a worker's device holds, by name.

    Examples
    --------
    >>> checkpoint_size(ReliabilityTable(restart="1 s", checkpoint="none"), {"weights": 4.0, "optimizer": 8.0})
    12.0
    """
    if table.checkpoint_size is not None:
        return bytes_of(table.checkpoint_size)
    # Where there are weights in single precision, those of fewer bits are made from them.
    weights = parts.get("master_weights") or parts["weights"]
    return weights + sum(parts.get(name, 0.0) for name in _LASTING)


def checkpoint_times(table: ReliabilityTable, size: float, resolved: ResolvedScenario) -> tuple[float, float]:
    """Seconds that training stands still for a checkpoint, and seconds from then until it is safe."""
    assert table.checkpoint_bandwidth is not None
    written = size / rate(table.checkpoint_bandwidth)
    if not table.asynchronous:
        return written, 0.0
    # The state lies at the master where there is one, else on every worker alike.
    place = (*resolved.master_places, *resolved.workers)[0]
    if place.kind == "host" or resolved.platform.system.node.self_hosted:
        # Copied within one memory: read and written.
        return 2.0 * size / place.device.memory.achieved_bandwidth.value, written
    route = resolved.platform.route(place.name, resolved.platform.near_memory(place.name).name)
    return route.overhead + route.latency + size / route.bandwidth, written
