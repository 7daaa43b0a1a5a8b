"""TensorFlow's benchmarks of May 2017: five networks on DGX-1 (P100), K80 hosts of two clouds, and two such hosts.

``variable_update`` says how gradients meet: ``parameter_server`` at variables on the CPU or spread over the GPUs,
``replicated`` by an all-reduce, ``distributed_replicated`` by an all-reduce inside a host and servers on the hosts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from validation.published.fitting import Bounds, Case, Parameters, Stage
from validation.published.jobs import CONTENTION, Job, Simulated
from validation.published.reference import Row
from validation.published.source import Source

__all__ = ["TENSORFLOW"]

_NETWORKS = {
    "InceptionV3": "inception-v3",
    "ResNet-50": "resnet-50-v1",
    "ResNet-152": "resnet-152",
    "AlexNet": "alexnet",
    "VGG16": "vgg-16",
}
_SYSTEMS = {
    "DGX-1": "dgx1-p100",
    "GCE n1-standard-32-k80x8": "gce-k80x8",
    "EC2 p2.8xlarge": "aws-p2-8xlarge",
}
_CLUSTER = "EC2 p2.8xlarge cluster"
_BUCKET = 4 * 1024 * 1024
_GPUS_OF_A_HOST = 8
#: Rows with real data are shown from this many GPUs on: they differ from the others only where input is the bottleneck.
_LARGER = 4


def _job(row: Row) -> Job:
    """The run of a row."""
    cluster = row.system.startswith(_CLUSTER)
    system = _SYSTEMS["EC2 p2.8xlarge" if cluster else row.system]
    nodes = max(1, row.n // _GPUS_OF_A_HOST) if cluster else 1
    algorithm, options, placement = _method(row, nodes)
    return Job(system, _NETWORKS[row.model], row.n, row.batch, algorithm, nodes, "imagenet", options, placement)


def _method(row: Row, nodes: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
    method = row.note("variable_update")
    if method.startswith("replicated"):
        return "ddp-msgd", {"bucket_bytes": _BUCKET, "collectives": {"all_reduce": "ring"}}, {}
    if method.startswith("distributed_replicated"):
        group = min(row.n, _GPUS_OF_A_HOST)
        return "sync-ps", {"bucket_bytes": _BUCKET, "group": group}, {"shards": nodes} if nodes > 1 else {}
    on_gpus = {"master": "device", "shards": row.n} if row.n > 1 else {"master": "device"}
    return "sync-ps", {"bucket_bytes": _BUCKET}, on_gpus if method.endswith("/gpu") else {}


def _machine(row: Row) -> str:
    if row.system.startswith(_CLUSTER):
        return "EC2 cluster"
    return {"DGX-1": "DGX-1", "EC2 p2.8xlarge": "EC2"}.get(row.system, "GCE")


def _cases(rows: Sequence[Row], simulated: Simulated) -> list[Case]:
    found = []
    for row in rows:
        synthetic, machine = row.notes.startswith("synthetic"), _machine(row)
        method = row.note("variable_update").split(",")[0]
        if not synthetic and row.n < _LARGER:
            continue
        compute, scaling = f"{machine}, one GPU, {row.model}", f"{machine}, two GPUs"
        if machine == "EC2 cluster":
            scaling = "EC2 cluster, one host"
        fits = {1: compute, 8 if machine == "EC2 cluster" else 2: scaling}.get(row.n, "") if synthetic else ""
        found.append(
            Case(
                section=f"TensorFlow 2017: {machine}" + ("" if synthetic else ", real data"),
                name=f"{row.model}, batch {row.batch}, {row.n} GPU{'s' * (row.n > 1)}",
                measured=row.value,
                predict=partial(_throughput, simulated, _job(row)),
                series=method,
                stages=(compute, scaling),
                fits=fits,
                larger=synthetic and row.n >= _LARGER,
            )
        )
    return found


def _throughput(simulated: Simulated, job: Job, parameters: Parameters) -> float:
    return simulated.throughput(job, parameters)


def _stages() -> list[Stage]:
    # A contention of 1 and the profile's own bandwidth are the bounds: nothing gets faster by being shared.
    scaling = {CONTENTION: Bounds(1.03, 1.0, 1.3), "link.pcie3-x16.bandwidth": Bounds(0.8, 0.05, 1.0)}
    stages = []
    for machine in ("DGX-1", "GCE", "EC2", "EC2 cluster"):
        cluster = machine == "EC2 cluster"
        models = [model for model in _NETWORKS if not cluster or model not in ("AlexNet", "VGG16")]
        ones = [
            Stage(
                f"{machine}, one GPU, {model}",
                {f"compute.scale.{_NETWORKS[model]}": Bounds(1.2, 0.2, 5.0)},
                f"{model} on one GPU with synthetic data",
            )
            for model in models
        ]
        smallest = "eight GPUs, which are one host" if cluster else "two GPUs, with synthetic data"
        name = "EC2 cluster, one host" if cluster else f"{machine}, two GPUs"
        stages += [*ones, Stage(name, scaling, smallest, after=tuple(stage.name for stage in ones))]
    return stages


TENSORFLOW = Source(
    name="tensorflow",
    title="TensorFlow 2017",
    table="tensorflow_2017_k80_p100",
    text="""\
Five networks with batches of 32 to 512 a GPU. `parameter_server` is `sync-ps`, with the server in the host's memory
or, where the table says GPU, spread over the GPUs; `replicated` is `ddp-msgd` with a ring; `distributed_replicated` is
`sync-ps` with the GPUs of a host as a group and a shard of the server on each host. Gradients travel in buckets of
4 MiB.
""",
    stages=_stages(),
    cases=_cases,
    reasons="""\
- *TensorFlow, real data* on several GPUs: AlexNet and VGG-16 on P100, and AlexNet on K80, are bound by reading and
  decoding images on the host, which no parameter here describes; the rows with synthetic data show what the GPUs can.
- *TensorFlow, VGG-16 on GCE* is predicted 12 % too fast from four GPUs on, where its two-GPU row, which the fit saw, is
  3 % too fast: a server in host memory costs more for 553 MB of gradients than PCIe and the additions explain.
  *AlexNet on EC2* with variables on the GPUs is predicted up to 20 % too slow: perhaps variables were placed whole on
  one GPU each, and here every bucket is spread over all of them.
""",
)
