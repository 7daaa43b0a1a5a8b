"""The part ``deepbench``: every measured kernel and all-reduce beside the prediction of a fit that did not see it.

Rows are shown and not judged one by one. What is promised, and fails where it is not kept, are the medians and 90th
percentiles of the devices that the project set itself as targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path

from simulator.errors import InputError
from simulator.workload.kernels import Convolution, Gemm
from validation.checks import Check, Findings, Progress, Verdict
from validation.deepbench import allreduce
from validation.deepbench.allreduce_rows import MeasuredAllReduce, read_all_reduces
from validation.deepbench.allreduce_systems import SYSTEMS
from validation.deepbench.clone import is_clone
from validation.deepbench.devices import measured_devices
from validation.deepbench.score_kernels import Score, kernel_scores
from validation.deepbench.tables import HOW_TO_GET, default_reference, located_reference

__all__ = ["ALL_REDUCE", "findings"]

TITLE = "DeepBench: kernels and all-reduces"
ALL_REDUCE = "all-reduce"
_SECTIONS = {
    "gemm": "matrix products",
    "conv forward": "convolutions, forward",
    "conv backward_data": "convolutions, backward to inputs",
    "conv backward_weights": "convolutions, backward to weights",
}
#: Share of the part's time that the kernels take.
_KERNELS = 0.95

INTRODUCTION = """\
Measured times of single kernels (KNL 7250, M40, Titan X, P100, V100, 1080 Ti) and of all-reduces, as the DeepBench
project published them. **Every prediction is by a fit that did not see the row**: kernels by 10-fold
cross-validation over shapes, three times over (a row shows the median of its three predictions, the verdicts pool
all), all-reduces by leaving the row out. The fits that the simulator ships saw all rows. Errors on whole families of
shapes held out are larger; see `python -m validation.deepbench.score_kernels`.

Allowed errors, fixed before the fits: products, median 8 % and 90th percentile 25 %; convolutions, median 20 % (KNL
7250, M40, P100, V100, single precision); all-reduces, median 10 %. Other devices and half precision are shown,
nothing is promised for them.
"""

REASONS = """\
- *Neighbouring shapes run on different library kernels.* cuBLAS 8 is slower with 16 columns than with 32; that is
  modelled on Pascal. Other dips and bumps of the data are not: a predicted time never falls as a side grows.
- *M40 and Titan X with A transposed* reach 3.3 to 4.7 TFLOP/s depending on whether K is a power of two; most of
  their tails.
- *K of 500,000*: six or seven rows a device, without a law.
- *KNL convolutions, backward*: two strided layers fall back to code 10 to 100 times slower. Held out, they cannot
  be guessed.
- *All-reduce of 16,777,216 floats on GPUs* went through another library; no fit sees these rows.
- *All-reduce on KNL*: 16 nodes are slower than 8 by more than the model has a reason for; 67 MB on 2 to 8 nodes
  move faster than one Omni-Path port can carry.

More in `validation/deepbench/README.md` and `validation/deepbench/ALLREDUCE.md`.
"""


def findings(reference: Path | None, progress: Progress) -> Findings:
    """Findings on the rows of `reference`: the project's tables, or a clone of DeepBench."""
    folder = located_reference(reference)
    if folder is None:
        place = default_reference() if reference is None else reference
        return Findings("deepbench", TITLE, missing=f"no DeepBench data in {place}; {HOW_TO_GET}")
    checks: list[Check] = []
    verdicts: list[Verdict] = []
    lines = sum(4 * len(device.rates.peak) for device, _ in measured_devices().values())
    progress("fitting kernels", 0.0)
    for done, score in enumerate(kernel_scores(folder), start=1):
        progress(f"{score.device} {score.precision} {score.kind}", _KERNELS * min(1.0, done / lines))
        checks += _kernel_checks(score)
        verdicts += _kernel_verdicts(score)
    measured = read_all_reduces(folder)
    for done, system in enumerate(SYSTEMS, start=1):
        if system.rows(measured):
            found = allreduce.score(system, measured)
            checks += _all_reduce_checks(found)
            verdicts.append(_all_reduce_verdict(found))
        progress(system.profile, _KERNELS + (1.0 - _KERNELS) * done / len(SYSTEMS))
    if not verdicts:
        raise InputError(f"{folder}: holds no rows of a device that is modelled; {HOW_TO_GET}")
    origin = "the workbooks of a clone" if is_clone(folder) else "the project's tables"
    return Findings(
        part="deepbench",
        title=TITLE,
        introduction=f"{INTRODUCTION}\nRows were read from {origin}.\n",
        checks=sorted(checks, key=lambda check: _place(check.section)),
        verdicts=verdicts,
        reasons=REASONS,
    )


def _place(section: str) -> tuple[bool, int]:
    """Where a section stands: fp32 before fp16, kinds in the order of `_SECTIONS`, all-reduces last."""
    kinds = list(_SECTIONS.values())
    kind = next((index for index, name in enumerate(kinds) if section.startswith(name)), len(kinds))
    return section.endswith("fp16") or section == ALL_REDUCE, kind


def _section(score: Score) -> str:
    return f"{_SECTIONS[score.kind]}, {score.precision}"


def _kernel_checks(score: Score) -> Iterator[Check]:
    for row, predicted in zip(score.measured, score.predicted, strict=True):
        yield Check(_section(score), _kernel_name(row.kernel), predicted, row.seconds, series=score.device)


def _kernel_name(kernel: Gemm | Convolution) -> str:
    if isinstance(kernel, Gemm):
        sides = f"{kernel.m} × {kernel.n} × {kernel.k}"
        variant = f"{'t' if kernel.transpose_a else 'n'}{'t' if kernel.transpose_b else 'n'}"
        return f"{sides} {variant}"
    image = f"{kernel.batch} images {kernel.width} × {kernel.height} × {kernel.channels}"
    filters = f"{kernel.filters} filters {kernel.filter_width} × {kernel.filter_height}"
    stride = f", stride {kernel.stride_width}" if kernel.stride_width > 1 else ""
    return f"{image}, {filters}{stride}"


def _kernel_verdicts(score: Score) -> Iterator[Verdict]:
    section = _section(score)
    for name, value, bound in (
        ("median error", score.median, score.allowed_median),
        ("90th percentile", score.p90, score.allowed_p90),
    ):
        if isfinite(bound):
            yield Verdict(section, f"{score.device}, {score.rows} rows held out: {name}", value, bound)


def _all_reduce_checks(score: allreduce.Score) -> Iterator[Check]:
    for row, error in score.held_out:
        note = "" if row.regular else "measured through another library; no fit sees it and no verdict counts it"
        predicted = (1.0 + error) * row.seconds
        yield Check(ALL_REDUCE, _run(row), predicted, row.seconds, series=score.system.profile, note=note)


def _run(row: MeasuredAllReduce) -> str:
    nodes = "node" if row.nodes == 1 else "nodes"
    return f"{row.device}, {row.ranks} ranks on {row.nodes} {nodes}, {row.size / 1e6:.3g} MB"


def _all_reduce_verdict(score: allreduce.Score) -> Verdict:
    statement = f"{score.system.profile}, {score.rows} rows held out: median error"
    return Verdict(ALL_REDUCE, statement, score.row_out.median, allreduce.ALLOWED_MEDIAN)
