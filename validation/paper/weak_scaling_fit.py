"""Weak scaling with the network as it was used, fitted to the paper's times on 1, 2 and 4 nodes and to nothing else.

The single-node time of each network gives its ``compute.scale`` alone. What two and four nodes take beyond it, of both
networks together because they ran on one cluster, gives two parameters that the networks share:

``link.aries-injection.bandwidth``
    the rate at which this program moved its bytes, as a factor on what the link carries;
``jitter.compute``
    how much nodes differ from step to step.

Six printed figures, four parameters, least squares on relative errors. Two ways to run the algorithm are fitted, since
nobody can say beforehand which describes the measured program:

*overlapped*, as the paper describes it: messages hide behind the gradient, which they slow down. Only the product of
    the time they take and of the share by which they slow it down shows, so ``overlap.slowdown`` is held at 1.
*not overlapped*: messages, then the gradient.

The way with the smaller residual on the fitted rows is the prediction that is judged on 8 to 64 nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from simulator.simulation import load, simulate
from validation.paper.weak_scaling import NODES, PRINTED

__all__ = ["FITTED_ON", "WAYS", "Predictor", "Way", "WeakScalingFit", "fit_way", "fits", "printed_seconds", "simulated"]

FITTED_ON = (1, 2, 4)
BANDWIDTH, JITTER = "link.aries-injection.bandwidth", "jitter.compute"
#: Where the fit may go: factors on the bandwidth, coefficients of variation.
BOUNDS = {BANDWIDTH: (0.003, 3.0), JITTER: (0.0, 0.5)}
_START = (0.1, 0.05)
#: Simulations that are averaged, on as many nodes as the fit sees and on more: the fewer nodes, the more chance.
_SEEDS, _SEEDS_BEYOND = range(4), range(2)


@dataclass(frozen=True)
class Way:
    """How the algorithm is run, and what is held while the rest is fitted."""

    name: str
    algorithm: str
    held: Mapping[str, float]


WAYS = (
    Way("overlapped", "knl-sync-easgd", {"overlap.slowdown": 1.0}),
    Way("not overlapped", "sync-easgd2", {}),
)

#: Seconds an iteration of an example on so many nodes, with the given calibration parameters.
Predictor = Callable[[Way, str, int, Mapping[str, float]], float]


@dataclass(frozen=True)
class WeakScalingFit:
    """What the fitted rows say of one way.

    Attributes
    ----------
    scales : mapping of str to float
        ``compute.scale`` by example.
    shared : mapping of str to float
        The parameters of both networks.
    errors : mapping of str to float
        Standard errors of `shared`; infinite for one that the fitted rows do not identify.
    residual : float
        Root mean square relative error on 2 and 4 nodes.
    predicted : mapping of (str, int) to float
        Seconds an iteration by example and nodes, fitted rows and others.
    """

    way: Way
    scales: Mapping[str, float]
    shared: Mapping[str, float]
    errors: Mapping[str, float]
    residual: float
    predicted: Mapping[tuple[str, int], float]


def printed_seconds(example: str, nodes: int) -> float:
    """Seconds an iteration as the paper prints them (R)."""
    iterations, totals = PRINTED[example]
    return totals[NODES.index(nodes)] / iterations


def simulated(way: Way, example: str, nodes: int, parameters: Mapping[str, float]) -> float:
    """The mean over seeds of simulated seconds an iteration, over as many iterations as the paper ran.

    The length matters: nodes that differ at random drift apart where messages hide, the less the longer they run.
    Parameters of messages say nothing about one node.
    """
    used = {name: value for name, value in parameters.items() if nodes > 1 or name in ("compute.scale", JITTER)}
    seeds = (_SEEDS if nodes in FITTED_ON else _SEEDS_BEYOND) if parameters.get(JITTER) else range(1)
    iterations, _ = PRINTED[example]
    changes = {"algorithm.name": way.algorithm, "cluster.nodes": nodes, "workload.steps": iterations}
    times = [
        simulate(load(example, **changes, **{"simulation.seed": seed, "calibration.parameters": used})).time
        for seed in seeds
    ]
    return sum(times) / len(times) / iterations


def fits(
    predict: Predictor = simulated,
    printed: Callable[[str, int], float] = printed_seconds,
    progress: Callable[[str], None] = lambda what: None,
) -> list[WeakScalingFit]:
    """Every way, the one with the smallest residual on the fitted rows first."""
    found = []
    for way in WAYS:
        progress(f"weak scaling, {way.name}")
        found.append(fit_way(way, predict, printed))
    return sorted(found, key=lambda fit: fit.residual)


def fit_way(way: Way, predict: Predictor, printed: Callable[[str, int], float]) -> WeakScalingFit:
    """Fit one way on `FITTED_ON` and predict every node count."""
    examples = tuple(PRINTED)
    scales = {example: _compute_scale(way, example, predict, printed) for example in examples}
    rows = [(example, nodes) for example in examples for nodes in FITTED_ON if nodes > 1]
    measured = np.array([printed(example, nodes) for example, nodes in rows])

    def residuals(point: NDArray[np.float64]) -> NDArray[np.float64]:
        shared = _parameters(point)
        times = [predict(way, e, n, {"compute.scale": scales[e], **way.held, **shared}) for e, n in rows]
        return np.asarray(np.array(times) / measured - 1.0, dtype=np.float64)

    lower, upper = np.array([_point(*(BOUNDS[name][end] for name in (BANDWIDTH, JITTER))) for end in (0, 1)])
    best = least_squares(
        residuals, _point(*_START), bounds=(lower, upper), x_scale=(1.0, 0.05), diff_step=(0.02, 0.02), max_nfev=12
    )
    shared = _parameters(best.x)
    predicted = {
        (example, nodes): predict(way, example, nodes, {"compute.scale": scales[example], **way.held, **shared})
        for example in examples
        for nodes in NODES
    }
    return WeakScalingFit(
        way,
        scales,
        shared,
        _standard_errors(np.asarray(best.jac), best.fun, shared),
        float(np.sqrt(np.mean(best.fun**2))),
        predicted,
    )


def _compute_scale(way: Way, example: str, predict: Predictor, printed: Callable[[str, int], float]) -> float:
    """The scale at which one node takes the printed time: the time is linear in it."""
    whole, half = (predict(way, example, 1, {"compute.scale": scale}) for scale in (1.0, 0.5))
    return 1.0 + (printed(example, 1) - whole) / (2.0 * (whole - half))


def _point(bandwidth: float, jitter: float) -> tuple[float, float]:
    return log(bandwidth), jitter


def _parameters(point: Sequence[float] | NDArray[np.float64]) -> dict[str, float]:
    return {BANDWIDTH: exp(float(point[0])), JITTER: float(point[1])}


def _standard_errors(
    jacobian: NDArray[np.float64], residuals: NDArray[np.float64], shared: Mapping[str, float]
) -> dict[str, float]:
    """Of the two parameters, from what the model cannot explain; infinite where a row hardly changes with one."""
    freedom = max(len(residuals) - jacobian.shape[1], 1)
    variance = float(np.sum(residuals**2)) / freedom
    seen = np.linalg.norm(jacobian, axis=0) > 1e-4
    errors = np.full(jacobian.shape[1], np.inf)
    if seen.any():
        kept = jacobian[:, seen]
        errors[seen] = np.sqrt(variance * np.diag(np.linalg.pinv(kept.T @ kept)))
    return {BANDWIDTH: float(errors[0]) * shared[BANDWIDTH], JITTER: float(errors[1])}
