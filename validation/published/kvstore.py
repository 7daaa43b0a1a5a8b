"""MXNet's key-value store on one host with eight GPUs: seconds of one push and pull of a network's arrays.

``device`` sums on the GPUs, every key on one of them: a flat reduce-scatter and all-gather. ``local`` sums in host
memory, to which every GPU sends everything. ``dist_device_sync`` sums on the GPUs and then, for one host too, in host
memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Any

from simulator.execution.collective_time import collective_time
from simulator.hardware import load_system
from simulator.platform import build_platform
from simulator.platform.corrections import LinkCorrection, PlatformCorrections
from validation.checks import Verdict
from validation.published.fitting import Bounds, Case, Parameters, Stage
from validation.published.jobs import Job, Simulated
from validation.published.reference import Row
from validation.published.source import Judged, Source

__all__ = ["KVSTORE"]

_SYSTEM, _LINK = "pcie-8gpu-2s", "link.pcie3-x16.bandwidth"
_FIT = "two GPUs"
_KEYS = 64
_ELEMENT = 4
#: Errors of single runs on a host whose switches are not known.
_ALLOWED = 0.30


def _megabytes(row: Row) -> float:
    """The size that the row's notes state."""
    return float(next(part for part in row.notes.split(";") if part.strip().endswith("MB")).split()[0])


def _on_gpus(gpus: int, size: float, parameters: Parameters) -> float:
    links = {"pcie3-x16": LinkCorrection(parameters.get(_LINK, 1.0))}
    platform = build_platform(load_system(_SYSTEM), 1, corrections=PlatformCorrections(links))
    devices = [placed.name for placed in platform.accelerators[:gpus]]
    scatter = collective_time(platform, devices, "reduce_scatter", size, "flat")
    return scatter + collective_time(platform, devices, "all_gather", size / gpus, "flat")


def _in_host(simulated: Simulated, gpus: int, size: float, group: int, parameters: Parameters) -> float:
    """A step of a network of that size that computes next to nothing."""
    network = f"synthetic:parameters={round(size / _ELEMENT)},flops={_KEYS * 1000},layers={_KEYS}"
    options: dict[str, Any] = {"bucket_bytes": 1, "group": group}
    if group > 1:
        options["collectives"] = {"reduce_scatter": "flat", "all_gather": "flat"}
    return simulated.step_time(
        Job(_SYSTEM, network, gpus, 1, "sync-ps", dataset="cifar10", options=options), parameters
    )


def _predict(simulated: Simulated, store: str, gpus: int, size: float, parameters: Parameters) -> float:
    if store == "device":
        return _on_gpus(gpus, size, parameters)
    return _in_host(simulated, gpus, size, 1 if store == "local" else gpus, parameters)


def _cases(rows: Sequence[Row], simulated: Simulated) -> list[Case]:
    runs: list[list[Row]] = []
    for row in rows:
        if row.metric != "push_pull_time":
            continue
        if "iter 1;" in row.notes or not runs:
            runs.append([])
        runs[-1].append(row)
    found = []
    for run in runs:
        row, store = run[0], run[0].note("kv_store")
        fitted = store == "device" and row.n == 2
        found.append(
            Case(
                section="MXNet key-value store over PCIe",
                name=f"{row.model}, {_megabytes(row):.0f} MB, {row.n} GPUs",
                measured=median(each.value for each in run),
                predict=partial(_predict, simulated, store, row.n, 1e6 * _megabytes(row)),
                unit="s",
                series=store,
                stages=(_FIT,),
                fits=_FIT if fitted else "",
                tags=(store,),
            )
        )
    return found


def _verdicts(title: str, judged: Sequence[Judged]) -> list[Verdict]:
    errors = [abs(check.error) for _, check in judged if not check.fitted]
    text = f"median error of push and pull on eight GPUs, {len(errors)} runs"
    return [Verdict(title, text, median(errors) if errors else float("nan"), _ALLOWED)]


KVSTORE = Source(
    name="kvstore",
    title="MXNet key-value store",
    table="mxnet_kvstore_pcie_bandwidth",
    text="""\
Medians of five iterations. `device` is a flat reduce-scatter and all-gather among the GPUs; `local` is `sync-ps` in
host memory, and `dist_device_sync` the same with all GPUs as one group.
""",
    reasons="""\
- *Key-value store* among all eight GPUs is predicted slower than measured and through host memory faster. The link
  between sockets carries 6 GB/s of GPU traffic in this project's profile, as measured on other hosts, and more than 10
  on this one; and the server's additions in host memory took longer than its memory bandwidth explains.
""",
    stages=[Stage(_FIT, {_LINK: Bounds(0.8, 0.1, 1.2)}, "`device` on two GPUs of one socket")],
    cases=_cases,
    verdicts=_verdicts,
)
