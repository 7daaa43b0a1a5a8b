"""Measured kernels of the DeepBench collection as typed rows, from the project's reference folder or a clone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from simulator.workload.kernels import Convolution, Gemm, Pass
from validation.deepbench.tables import default_reference, read_table

__all__ = ["COMMIT", "MeasuredConvolution", "MeasuredGemm", "default_reference", "read_convolutions", "read_gemms"]

#: Commit of `baidu-research/DeepBench` that the tables were taken from.
COMMIT = "da81ba7820739e2e506dc27f382d15be5479f98f"

_PRECISIONS = {
    "fp32": "fp32",
    "fp16_in_fp32_mul_fp32_add": "fp16",
    "fp16_in_fp16_mul_fp32_add": "fp16",
}
_TIMES = {
    Pass.FORWARD: "fwd_us",
    Pass.BACKWARD_DATA: "bwd_inputs_us",
    Pass.BACKWARD_WEIGHTS: "bwd_params_us",
}
#: Titan X rows whose N the sheet mistypes: the benchmark's list has 7133, and only that fits the times.
_MISTYPED_N = {("TitanX", 45): 7133, ("TitanX", 47): 7133}


@dataclass(frozen=True, slots=True)
class MeasuredGemm:
    """One row of ``gemm.csv``."""

    device: str
    precision: str
    kernel: Gemm
    seconds: float
    row: int


@dataclass(frozen=True, slots=True)
class MeasuredConvolution:
    """One pass of one row of ``conv.csv``."""

    device: str
    precision: str
    kernel: Convolution
    seconds: float
    row: int
    algorithm: str  #: of the forward pass, as the sheet names it


def read_gemms(folder: Path) -> list[MeasuredGemm]:
    """All rows of ``gemm.csv`` in file order; a folder that cannot be read raises InputError."""
    return read_table(folder, "gemm", _gemms)


def read_convolutions(folder: Path) -> list[MeasuredConvolution]:
    """All measured passes of ``conv.csv`` in file order; blank times are left out. Raises as `read_gemms`."""
    return read_table(folder, "conv", _convolutions)


def _gemms(row: Mapping[str, str]) -> Iterator[MeasuredGemm]:
    number = int(row["row"])
    kernel = Gemm(
        m=int(row["M"]),
        n=_MISTYPED_N.get((row["device"], number), int(row["N"])),
        k=int(row["K"]),
        transpose_a=row["A_transposed"] == "1",
        transpose_b=row["B_transposed"] == "1",
    )
    precision, seconds = _PRECISIONS[row["precision"]], float(row["time_us"]) * 1e-6
    yield MeasuredGemm(row["device"], precision, kernel, seconds, number)


def _convolutions(row: Mapping[str, str]) -> Iterator[MeasuredConvolution]:
    for direction, column in _TIMES.items():
        if not row[column]:
            continue
        kernel = Convolution(
            batch=int(row["N"]),
            channels=int(row["C"]),
            height=int(row["H"]),
            width=int(row["W"]),
            filters=int(row["K"]),
            filter_height=int(row["filter_h"]),
            filter_width=int(row["filter_w"]),
            pad_height=int(row["pad_h"]),
            pad_width=int(row["pad_w"]),
            stride_height=int(row["stride_h"]),
            stride_width=int(row["stride_w"]),
            direction=direction,
        )
        precision, seconds = _PRECISIONS[row["precision"]], float(row[column]) * 1e-6
        yield MeasuredConvolution(row["device"], precision, kernel, seconds, int(row["row"]), row["fwd_algo"])
