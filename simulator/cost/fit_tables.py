"""Kernel fits as the plain tables that `hardware_profiles/kernels/*.toml` hold; `kernel_document` reads them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.cost.convolution import ConvolutionFit
from simulator.cost.correction import Correction
from simulator.cost.gemm import GemmFit

__all__ = ["convolution_table", "gemm_table"]


def gemm_table(fit: GemmFit, source: str, errors: Mapping[str, float]) -> dict[str, Any]:
    """Table ``[gemm.PRECISION]``; `errors` is as in `kernel_document.ErrorsTable`."""
    return {
        **convolution_table(fit, source, errors),
        "upper_share": fit.upper_share,
        "narrow_columns": fit.narrow_columns,
        "exact_share": fit.exact_share,
    }


def convolution_table(fit: GemmFit | ConvolutionFit, source: str, errors: Mapping[str, float]) -> dict[str, Any]:
    """Table ``[convolution.PRECISION.PASS]``, and what every fit has."""
    return {
        "kind": "fitted",
        "source": source,
        "weights": {name: _rounded(weight) for name, weight in fit.weights.items()},
        "errors": {key: value if isinstance(value, int) else _rounded(value, 3) for key, value in errors.items()},
        "correction": _correction_table(fit.correction),
    }


def _correction_table(correction: Correction) -> dict[str, Any]:
    return {
        "lengths": [float(length) for length in correction.lengths],
        "kinship": correction.kinship,
        "variants": [int(variant) for variant in correction.variants],
        "weights": [_rounded(float(weight), 5) for weight in correction.weights],
        "anchors": [[_rounded(float(value), 6) for value in anchor] for anchor in correction.anchors],
    }


def _rounded(value: float, digits: int = 5) -> float:
    return float(f"{value:.{digits}g}")
