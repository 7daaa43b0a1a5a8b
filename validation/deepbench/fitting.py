"""How the kernel models are fitted to DeepBench's rows: as to those of any other device (`simulator.cost.fitting`)."""

from __future__ import annotations

from simulator.cost.fitting import fit_convolution, fit_gemm, predict_convolution, predict_gemm

__all__ = ["fit_convolution", "fit_gemm", "predict_convolution", "predict_gemm"]
