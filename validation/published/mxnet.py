"""MXNet on AWS: 1 to 32 K80 of P2 instances with ``dist_device_sync``, and batch sweeps on single GPUs.

``dist_device_sync`` sums the gradients of an instance's GPUs on the GPUs, one key on each, and the instances' sums on
servers in host memory, which it does for one instance too. A P2.16xlarge has sixteen GPUs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from validation.published.fitting import Bounds, Case, Stage
from validation.published.jobs import CONTENTION, Job, Simulated
from validation.published.reference import Row
from validation.published.source import Source

__all__ = ["MXNET"]

_NETWORKS = {
    "AlexNet": "alexnet",
    "Inception-v3": "inception-v3",
    "ResNet-152": "resnet-152",
    "ResNet-50": "resnet-50-v1",
}
_P2 = "AWS P2.16xlarge"
_SWEPT = {
    "AWS EC2 single GPU (K80)": ("K80", "aws-p2-16xlarge"),
    "AWS EC2 single GPU (V100)": ("V100", "aws-p3-16xlarge"),
}
#: The batches of a sweep whose rows are fitted, for the arithmetic and for what a step costs whatever its batch.
_FITTED_BATCHES = {"AlexNet": (16, 128), "Inception-v3": (1, 32), "ResNet-50": (1, 32)}
_GPUS_OF_AN_INSTANCE = 16
_TWO = "P2, two GPUs"


def _job(row: Row) -> Job:
    nodes = -(-row.n // _GPUS_OF_AN_INSTANCE)
    options: dict[str, Any] = {
        "bucket_bytes": 4 * 1024 * 1024,
        "group": row.n // nodes,
        "collectives": {"reduce_scatter": "flat", "all_gather": "flat"},
    }
    placement = {"shards": nodes} if nodes > 1 else {}
    network = _NETWORKS[row.model]
    return Job("aws-p2-16xlarge", network, row.n, row.batch, "sync-ps", nodes, "imagenet", options, placement)


def _cases(rows: Sequence[Row], simulated: Simulated) -> list[Case]:
    found = []
    stages: tuple[str, ...]
    for row in rows:
        if row.metric != "throughput" or not (row.system.startswith(_P2) or row.system in _SWEPT):
            continue
        if row.system.startswith(_P2):
            one = f"P2, one GPU, {row.model}"
            job, section, stages = _job(row), "MXNet on P2 instances", (one, _TWO)
            name, fits = (
                f"{row.model}, batch {row.batch}, {row.n} GPU{'s' * (row.n > 1)}",
                {1: one, 2: _TWO}.get(row.n, ""),
            )
        else:
            gpu, system = _SWEPT[row.system]
            one = f"{gpu} sweep, {row.model}"
            job = Job(system, _NETWORKS[row.model], 1, row.batch, "sync-sgd")
            section, stages, fits = f"MXNet, one {gpu}", (one,), one if row.batch in _FITTED_BATCHES[row.model] else ""
            name = f"{row.model}, batch {row.batch}"
        predict = partial(simulated.throughput, job)
        found.append(Case(section, name, row.value, predict, stages=stages, fits=fits, larger=row.n > 2, tags=(row.n,)))
    return found


def _stages() -> list[Stage]:
    stages = [
        Stage(
            f"P2, one GPU, {model}", {f"compute.scale.{_NETWORKS[model]}": Bounds(1.2, 0.2, 5.0)}, f"{model} on one GPU"
        )
        for model in ("AlexNet", "Inception-v3", "ResNet-152")
    ]
    scaling = {CONTENTION: Bounds(1.02, 1.0, 1.3), "link.pcie3-x16.bandwidth": Bounds(0.6, 0.02, 1.0)}
    stages.append(Stage(_TWO, scaling, "the three networks on two GPUs", after=tuple(stage.name for stage in stages)))
    for gpu, _ in _SWEPT.values():
        for model in ("AlexNet", "Inception-v3", "ResNet-50"):
            network, (small, large) = _NETWORKS[model], _FITTED_BATCHES[model]
            compute = {
                f"compute.scale.{network}": Bounds(1.2, 0.2, 5.0),
                f"compute.fixed.{network}": Bounds(5e-3, 1e-4, 0.2),
            }
            stages.append(Stage(f"{gpu} sweep, {model}", compute, f"{model}, batches {small} and {large}, one {gpu}"))
    return stages


MXNET = Source(
    name="mxnet",
    title="MXNet P2",
    table="mxnet_p2_scaling_and_single_gpu",
    text="""\
`dist_device_sync` is `sync-ps` with the GPUs of an instance as a group, every key summed on one of them (flat
reduce-scatter and all-gather), and a shard of the server on each instance's host.
""",
    reasons="""\
- *MXNet, AlexNet on 16 and 32 K80* is predicted a third too fast: 203 MB of gradients a step pass through one server
  process of each instance, whose copies and additions cost more than the host's links and memory do here; with the
  other networks, whose gradients are a fraction of that for each second of arithmetic, nothing of it is seen.
- *MXNet, one GPU, AlexNet* from a batch of 512 on is measured slower than with 256, and falls further on V100: cuDNN
  chose other algorithms when memory became short, and here there is only one. The sweeps were first fitted on one batch
  each, which left batches of 1 to 4 up to 89 % too fast; the smallest batch then joined the fit with a fixed time.
""",
    stages=_stages(),
    cases=_cases,
)
