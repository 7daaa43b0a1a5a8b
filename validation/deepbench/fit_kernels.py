"""Fit the kernel models to DeepBench and write `hardware_profiles/kernels/*.toml`.

    python -m validation.deepbench.fit_kernels [--reference DIR] [--device m40] [--output DIR]

Deterministic: the same rows give the same files. A minute or two on one core for all devices.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import hardware_profiles
from simulator.cost.fit_tables import convolution_table, gemm_table
from simulator.cost.fitting import fit_convolution, fit_gemm
from simulator.errors import SimulatorError
from simulator.toml_text import toml_text
from simulator.workload.kernels import Pass
from validation.deepbench.devices import measured_devices
from validation.deepbench.reference import COMMIT, default_reference, read_convolutions, read_gemms
from validation.deepbench.scoring import Errors, cross_validate_convolution, cross_validate_gemm

__all__ = ["kernel_document", "main"]

_DATE = "2026-11-23"


def kernel_document(name: str, reference: Path) -> dict[str, Any]:
    """Everything of one device's file, as plain tables."""
    device, rates_text = measured_devices(name)[name]
    rates = device.device_rates(name)
    gemms = [row for row in read_gemms(reference) if row.device == device.label]
    convolutions = [row for row in read_convolutions(reference) if row.device == device.label]
    document: dict[str, Any] = {
        "name": name,
        "family": device.family,
        "description": device.description,
        "provenance": {
            "data": f"DeepBench training kernels, device {device.label}: gemm.csv and conv.csv of the reference folder",
            "commit": f"baidu-research/DeepBench@{COMMIT}",
            "date": _DATE,
            "command": f"python -m validation.deepbench.fit_kernels --device {name}",
            "notes": "Errors are relative, on held-out rows; see validation/deepbench/README.md.",
        },
        "rates": rates_text,
        "gemm": {},
        "convolution": {},
    }
    for precision in rates.peak:
        rows = [row for row in gemms if row.precision == precision]
        fit = fit_gemm(rows, rates, precision, device.narrow_columns)
        errors = cross_validate_gemm(rows, rates, precision, device.narrow_columns)
        document["gemm"][precision] = gemm_table(fit, f"{len(rows)} rows of gemm.csv", _fields(errors, len(rows)))
        passes = document["convolution"][precision] = {}
        for direction in Pass:
            measured = [row for row in convolutions if row.precision == precision and row.kernel.direction is direction]
            convolution = fit_convolution(measured, rates, precision)
            held_out = cross_validate_convolution(measured, rates, precision)
            passes[direction.value] = convolution_table(
                convolution, f"{len(measured)} rows of conv.csv", _fields(held_out, len(measured))
            )
    return document


def _fields(errors: Errors, rows: int) -> dict[str, float]:
    """Errors as the file has them."""
    return {
        "rows": rows,
        "median": errors.median,
        "p90": errors.p90,
        "family_median": errors.family_median,
        "family_p90": errors.family_p90,
    }


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, default=default_reference(), help="folder with gemm.csv and conv.csv")
    parser.add_argument("--device", action="append", default=[], help="one device; may be repeated (default: all)")
    parser.add_argument(
        "--output", type=Path, default=Path(hardware_profiles.__file__).parent / "kernels", help="folder to write to"
    )
    options = parser.parse_args(arguments)
    try:
        for name in measured_devices(*options.device):
            path = options.output / f"{name}.toml"
            text = toml_text(kernel_document(name, options.reference))
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")
    except SimulatorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
