"""Print the cross-validated errors of the kernel models and fail if one exceeds what is allowed.

    python -m validation.deepbench.score_kernels [--reference DIR] [--device m40] [--transfer]

Every number is from rows the fit never saw. `--transfer` adds predictions of one device from another's fit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator.cost.kernel_model import load_kernel_model
from simulator.errors import SimulatorError
from simulator.workload.kernels import Convolution, Gemm, Pass
from validation.deepbench.devices import measured_devices
from validation.deepbench.reference import (
    MeasuredConvolution,
    MeasuredGemm,
    default_reference,
    read_convolutions,
    read_gemms,
)
from validation.deepbench.scoring import Errors, cross_validate_convolution, cross_validate_gemm

__all__ = ["Score", "kernel_scores", "main", "markdown", "transfer_scores"]

#: Allowed held-out (median, 90th percentile) by device: the project's targets.
_TARGET_DEVICES = ("knl7250", "m40", "p100", "v100")
_GEMM_ALLOWED = (0.08, 0.25)
_CONVOLUTION_ALLOWED = 0.20


@dataclass(frozen=True)
class Score:
    """One line of the table; allowed values are infinite where nothing was promised.

    `measured` and `predicted` are its rows, and of each the median of the predictions by fits that did not see it [s].
    """

    device: str
    precision: str
    kind: str
    rows: int
    median: float
    p90: float
    family_median: float
    family_p90: float
    allowed_median: float = np.inf
    allowed_p90: float = np.inf
    measured: tuple[MeasuredGemm | MeasuredConvolution, ...] = ()
    predicted: tuple[float, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the held-out errors over single shapes are within what is allowed."""
        return self.median <= self.allowed_median and self.p90 <= self.allowed_p90


def kernel_scores(reference: Path, *names: str) -> Iterator[Score]:
    """Cross-validated errors, a line for each device, precision and kind of kernel."""
    gemms, convolutions = read_gemms(reference), read_convolutions(reference)
    for name, (device, _) in measured_devices(*names).items():
        rates = device.device_rates(name)
        for precision in rates.peak:
            promised = name in _TARGET_DEVICES and precision == "fp32"
            rows = [row for row in gemms if row.device == device.label and row.precision == precision]
            if rows:
                errors = cross_validate_gemm(rows, rates, precision, device.narrow_columns)
                yield _score(name, precision, "gemm", rows, errors, *(_GEMM_ALLOWED if promised else ()))
            for direction in Pass:
                measured = [
                    row
                    for row in convolutions
                    if row.device == device.label and row.precision == precision and row.kernel.direction is direction
                ]
                if measured:
                    errors = cross_validate_convolution(measured, rates, precision)
                    allowed = (_CONVOLUTION_ALLOWED,) if promised else ()
                    yield _score(name, precision, f"conv {direction.value}", measured, errors, *allowed)


def _score(
    device: str,
    precision: str,
    kind: str,
    rows: Sequence[MeasuredGemm | MeasuredConvolution],
    errors: Errors,
    allowed_median: float = np.inf,
    allowed_p90: float = np.inf,
) -> Score:
    return Score(
        device,
        precision,
        kind,
        len(rows),
        errors.median,
        errors.p90,
        errors.family_median,
        errors.family_p90,
        allowed_median,
        allowed_p90,
        tuple(rows),
        tuple(float(ratio) * row.seconds for ratio, row in zip(errors.typical_ratio, rows, strict=True)),
    )


def transfer_scores(reference: Path) -> Iterator[Score]:
    """Errors on every row of a device when its times come from another device's fit, scaled by rates alone."""
    nan = float("nan")
    for source, target in (("m40", "titanx"), ("titanx", "m40"), ("m40", "p100"), ("p100", "v100")):
        device, _ = measured_devices(target)[target]
        model = load_kernel_model(source).scaled_to(device.device_rates(target))
        rows: list[MeasuredGemm | MeasuredConvolution] = [*read_gemms(reference), *read_convolutions(reference)]
        rows = [row for row in rows if row.device == device.label and row.precision == "fp32"]
        for kind in dict.fromkeys(_kind(row.kernel) for row in rows):
            chosen = [row for row in rows if _kind(row.kernel) == kind]
            errors = np.array([abs(model.time(row.kernel) / row.seconds - 1.0) for row in chosen])
            median, p90 = float(np.median(errors)), float(np.quantile(errors, 0.9))
            yield Score(f"{source} -> {target}", "fp32", kind, len(chosen), median, p90, nan, nan)


def _kind(kernel: Gemm | Convolution) -> str:
    return "gemm" if isinstance(kernel, Gemm) else f"conv {kernel.direction.value}"


def markdown(scores: Iterable[Score]) -> Iterator[str]:
    """The table, a line at a time."""
    yield "| device | precision | kernel | rows | median | p90 | family median | family p90 | allowed | |"
    yield "|---|---|---|---:|---:|---:|---:|---:|---|---|"
    for score in scores:
        allowed = [
            f"{label} {value:.0%}"
            for label, value in (("median", score.allowed_median), ("p90", score.allowed_p90))
            if np.isfinite(value)
        ]
        errors = (score.median, score.p90, score.family_median, score.family_p90)
        cells = [score.device, score.precision, score.kind.replace("_", " "), str(score.rows)]
        cells += ["" if np.isnan(error) else f"{error:.1%}" for error in errors]
        verdict = ("ok" if score.passed else "MISSED") if allowed else ""
        yield f"| {' | '.join(cells)} | {', '.join(allowed)} | {verdict} |"


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 if every promise holds, 1 if not, 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, default=default_reference(), help="folder with gemm.csv and conv.csv")
    parser.add_argument("--device", action="append", default=[], help="one device; may be repeated (default: all)")
    parser.add_argument("--transfer", action="store_true", help="also predict devices from each other's fits")
    options = parser.parse_args(arguments)
    try:
        scores: list[Score] = []
        for line in markdown(_kept(kernel_scores(options.reference, *options.device), scores)):
            print(line, flush=True)
        if options.transfer:
            print("\nOne device's times from another's fit, scaled by rates alone:\n")
            print("\n".join(markdown(transfer_scores(options.reference))))
    except SimulatorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0 if all(score.passed for score in scores) else 1


def _kept(scores: Iterator[Score], into: list[Score]) -> Iterator[Score]:
    for score in scores:
        into.append(score)
        yield score


if __name__ == "__main__":
    sys.exit(main())
