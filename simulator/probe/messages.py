"""From times of messages by size to a latency and a bandwidth: α + n/B (Hockney 1994), with their uncertainties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from simulator.errors import RunError
from simulator.probe.timing import Measured

__all__ = ["MessageFit", "MessageTime", "Messages", "fit_messages"]


@dataclass(frozen=True)
class MessageTime:
    """How long a message of some size takes from the moment both sides have come to it.

    Attributes
    ----------
    size : int
        Bytes.
    seconds : Measured
        From the later side's call to its return, where the other side had been waiting for a while.
    prompt : Measured
        Where both come at once: half a round trip.
    """

    size: int
    seconds: Measured
    prompt: Measured


@dataclass(frozen=True)
class Messages:
    """What was measured of messages between processes.

    Attributes
    ----------
    times : tuple of MessageTime
        By size, increasing; of messages that both sides know of beforehand, as in a collective.
    announcement : Measured
        What a message takes more [s] that the receiver learns of from a header.
    waiting : float
        Share of a core that a process uses while it waits for a message.
    shortest_sleep : float
        How long the shortest sleep lasts in truth [s].
    library : str
        The MPI library.
    """

    times: tuple[MessageTime, ...]
    announcement: Measured
    waiting: float
    shortest_sleep: float
    library: str


@dataclass(frozen=True)
class MessageFit:
    """The line through the times.

    Attributes
    ----------
    latency : Measured
        α [s].
    bandwidth : Measured
        B [B/s].
    errors : tuple of (int, float)
        For each size [bytes], fitted over measured time, less one.
    """

    latency: Measured
    bandwidth: Measured
    errors: tuple[tuple[int, float], ...]

    @property
    def median_error(self) -> float:
        """Median of the absolute relative errors."""
        return float(np.median([abs(error) for _, error in self.errors]))


def fit_messages(times: Sequence[MessageTime]) -> MessageFit:
    """Least sum of relative errors, robustly (soft L1 beyond 10 %), so that small and large messages count alike.

    Raises
    ------
    RunError
        If there are fewer than three sizes.

    Examples
    --------
    >>> line = [MessageTime(n, Measured(1e-4 + n / 5e9, 1e-6), Measured(1e-5, 0.0)) for n in (8, 8192, 2**20, 2**23)]
    >>> fit = fit_messages(line)
    >>> round(fit.latency.value * 1e6, 3), round(fit.bandwidth.value / 1e9, 3)
    (100.0, 5.0)
    """
    if len(times) < 3:
        raise RunError(f"probe: expected messages of at least 3 sizes, got {len(times)}")
    sizes = np.array([time.size for time in times], dtype=float)
    seconds = np.array([time.seconds.value for time in times])

    def misses(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.log(np.exp(parameters[0]) + sizes * np.exp(parameters[1])) - np.log(seconds))

    slope = max((seconds[-1] - seconds[0]) / (sizes[-1] - sizes[0]), 1e-15)
    start = np.log([max(seconds.min(), 1e-9), slope])
    found = least_squares(misses, start, loss="soft_l1", f_scale=0.1)
    spread = np.sqrt(np.mean(found.fun**2) * len(sizes) / max(len(sizes) - 2, 1))
    jacobian = np.asarray(found.jac, dtype=np.float64)
    errors = spread * np.sqrt(np.diag(np.linalg.pinv(jacobian.T @ jacobian)))
    latency, per_byte = np.exp(found.x)
    return MessageFit(
        Measured(float(latency), float(latency * errors[0]), len(times)),
        Measured(float(1 / per_byte), float(errors[1] / per_byte), len(times)),
        tuple(zip([time.size for time in times], np.expm1(found.fun).tolist(), strict=True)),
    )
