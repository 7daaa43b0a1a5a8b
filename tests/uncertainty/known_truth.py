"""A calibration of which everything is known: values, errors, how they go together, and what the model still misses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from simulator.calibration.overlay import Overlay
from simulator.calibration.parameters import parameter_kind

VALUES = {"compute.scale": 1.1, "compute.fixed": 50e-6, "link.pcie3-x16.bandwidth": 0.85, "overhead.peer": 15e-6}
STDS = {"compute.scale": 0.02, "compute.fixed": 5e-6, "link.pcie3-x16.bandwidth": 0.03, "overhead.peer": 1e-6}
#: A slower GPU or a dearer kernel launch fit the same data, so their errors go against each other.
CORRELATED = (("compute.scale", "compute.fixed", -0.6), ("link.pcie3-x16.bandwidth", "overhead.peer", 0.4))
#: LeNet on four GPUs, layer by layer.
BASE = {"workload.steps": 10, "algorithm.name": "sync-sgd", "algorithm.packed": False}


def correlation(names: list[str]) -> np.ndarray:
    """How the errors of these parameters go together, shape (n, n)."""
    matrix = np.eye(len(names))
    for first, second, value in CORRELATED:
        if first in names and second in names:
            i, j = names.index(first), names.index(second)
            matrix[i, j] = matrix[j, i] = value
    return matrix


def known_overlay(
    values: Mapping[str, float] = VALUES, stds: Mapping[str, float] = STDS, scatter: Mapping[str, float] | None = None
) -> Overlay:
    """An overlay of the paper's GPU box with these values, standard errors and residual scatter."""
    names = list(values)
    parameters = {
        name: {
            "value": values[name],
            "std": stds[name],
            "unit": parameter_kind(name).unit,
            "start": 1.0,
            "bounds": (0.0, 100.0),
        }
        for name in names
    }
    document: dict[str, Any] = {
        "schema": "clustersim/overlay/1",
        "name": "synthetic",
        "system": "m40x4",
        "date": "2024-01-01",
        "version": "test",
        "parameters": parameters,
        "correlation": {"names": tuple(names), "matrix": tuple(map(tuple, correlation(names).tolist()))},
        "residual_scatter": dict(scatter or {}),
    }
    return Overlay.model_validate(document)
