"""HKBU's comparison of 2020: parameter server (BytePS) against all-reduce (Horovod), 1 to 16 GPUs, three networks.

Four GPUs a node. The parameter servers, as many as nodes of workers, have nodes of their own; a job on one node starts
none. BERT was run on 64 tokens: two sequences of it are one of the 128 tokens that the project's BERT has.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from validation.checks import Verdict
from validation.published.fitting import Bounds, Case, Parameters, Stage
from validation.published.jobs import Job, Simulated
from validation.published.reference import Row
from validation.published.source import Judged, Source, larger_scales

__all__ = ["HKBU", "winners"]

#: Our network and how many of its samples a row's sample is.
_NETWORKS = {"ResNet-50": ("resnet-50", 1.0), "BERT-Base": ("bert-base", 0.5), "BERT-Large": ("bert-large", 0.5)}
#: Name in the table to ours, the system, and the link between its nodes.
_FABRICS = {
    "HKBU cluster, 10GbE with TCP/IP": ("10 GbE TCP", "hkbu-10g", "ethernet-10g-tcp"),
    "HKBU cluster, 100GbE with TCP/IP": ("100 Gb/s TCP", "hkbu-100g-tcp", "ethernet-100g-tcp"),
    "HKBU cluster, 100GbIB with RDMA": ("100 Gb/s IB", "hkbu-100g-ib", "infiniband-edr"),
}
_GPUS_OF_A_NODE = 4
_MEBIBYTE = 1024 * 1024
_FUSED = 512 * _MEBIBYTE
#: Bytes of gradients from which a bucket is full. WFBP sends every layer; the smallest join the next, for fewer events.
_BUCKETS = {"BSP": _FUSED, "WFBP": _MEBIBYTE // 4, "MG-WFBP": 25 * _MEBIBYTE, "ByteScheduler": 1}
#: BytePS cuts at 4 MB; with four times as much the pipeline is as full and the simulation shorter.
_PARTITION = 16 * _MEBIBYTE
_RING = {"all_reduce": "ring"}
#: Factor on work in proportion to the parameters: BERT was trained by AdamW, in many passes, ResNet-50 by plain SGD.
_ADAMW, _UPDATES = "adamw.scale", "update.scale@rtx-2080-ti"
_SUMS = "update.scale@xeon-2s"
#: Models whose rows on two nodes the fits of a network see.
_SEEN_ON_TWO_NODES = ("ResNet-50", "BERT-Base")
#: A difference in throughput below this share has no winner.
_TIE = 0.01
#: A difference from this share on is no matter of a few per cent more or less.
_CLEAR = 0.10
_WINNERS = 0.90


def _split(method: str) -> tuple[str, str]:
    """``"WFBP-PS"`` to how it overlaps and which architecture it is."""
    if method == "MG-WFBP":
        return method, "A2A"
    way, _, architecture = method.rpartition("-")
    return way, architecture


def _job(row: Row) -> Job:
    way, architecture = _split(row.note("method"))
    network, share = _NETWORKS[row.model]
    system, nodes, batch = _FABRICS[row.system][1], max(1, row.n // _GPUS_OF_A_NODE), int(row.batch * share)
    options: dict[str, Any]
    if architecture == "PS" and nodes > 1:
        options = {"bucket_bytes": _PARTITION, "group": _GPUS_OF_A_NODE, "overlap": way != "BSP"}
        placement = {"master": "node", "shards": nodes}
        return Job(system, network, row.n, batch, "sync-ps", 2 * nodes, "cifar10", options, placement)
    size = _PARTITION if architecture == "PS" and way != "BSP" else _BUCKETS[way]
    options = {"bucket_bytes": size, "first_bucket_bytes": size, "collectives": _RING}
    return Job(system, network, row.n, batch, "ddp-msgd", nodes, "cifar10", options)


def _predict(simulated: Simulated, row: Row, parameters: Parameters) -> float:
    known = {name: value for name, value in parameters.items() if name != _ADAMW}
    if _ADAMW in parameters and row.model.startswith("BERT"):
        known[_UPDATES] = parameters[_ADAMW]
    return row.n * row.batch / simulated.step_time(_job(row), known)


def _cases(rows: Sequence[Row], simulated: Simulated) -> list[Case]:
    found, singles = [], set[str]()
    for row in rows:
        method, fabric = row.note("method"), _FABRICS[row.system][0]
        way, architecture = _split(method)
        if row.n == 1 and row.model in singles:
            continue  # the table repeats the row of one GPU for every method and network
        singles.add(row.model)
        stages = _stages_of(row, way, architecture, fabric)
        found.append(
            Case(
                section=f"HKBU: {fabric}",
                name=f"{row.model}, {row.n} GPU{'s' * (row.n > 1)}",
                measured=row.value,
                predict=partial(_predict, simulated, row),
                unit="samples/s",
                series="one GPU" if row.n == 1 else method,
                stages=stages,
                fits=_fits(row, way, architecture, stages),
                larger=row.n >= 2 * _GPUS_OF_A_NODE,
                tags=(fabric, row.model, row.n, way, architecture),
            )
        )
    return found


def _stages_of(row: Row, way: str, architecture: str, fabric: str) -> tuple[str, ...]:
    stages = [f"one GPU, {row.model}"]
    if row.n > 1:
        stages.append(f"one node, {architecture}")
    if row.n > _GPUS_OF_A_NODE:
        stages.append(f"two nodes, {fabric}, {architecture}")
    if row.n > 1 and (way, architecture) == ("ByteScheduler", "A2A"):
        stages.append("one node, ByteScheduler-A2A")
    return tuple(stages)


def _fits(row: Row, way: str, architecture: str, stages: tuple[str, ...]) -> str:
    """The stage that sees the row: one GPU, one node (on the first network), two nodes of two models."""
    if row.n == 1:
        return stages[0]
    if row.n == _GPUS_OF_A_NODE:
        return stages[-1] if _FABRICS[row.system][1] == "hkbu-10g" else ""
    seen = row.n == 2 * _GPUS_OF_A_NODE and row.model in _SEEN_ON_TWO_NODES and way != "ByteScheduler"
    return stages[-1] if seen else ""


def winners(judged: Sequence[Judged], tie: float = _TIE) -> list[tuple[str, bool, bool]]:
    """For each pair of a server and an all-reduce that differ: its name, whether the winner is right, and unseen.

    Pairs are of the same network, model, GPUs and way to overlap, and of the best of each architecture. A pair is
    unseen if the fits saw neither of its rows.
    """
    pairs: dict[tuple[Any, ...], dict[str, list[Judged]]] = {}
    for case, check in judged:
        fabric, model, n, way, architecture = case.tags
        if n == 1:
            continue
        for kind in ("best", *([way] if way != "MG-WFBP" else [])):
            pairs.setdefault((fabric, model, n, kind), {}).setdefault(str(architecture), []).append((case, check))
    found = []
    for key, sides in pairs.items():
        measured, predicted = (
            {side: max(getattr(check, what) for _, check in rows) for side, rows in sides.items()}
            for what in ("measured", "predicted")
        )
        if set(measured) != {"PS", "A2A"} or abs(measured["PS"] / measured["A2A"] - 1) < tie:
            continue
        right = (measured["PS"] > measured["A2A"]) == (predicted["PS"] > predicted["A2A"])
        unseen = not any(check.fitted for rows in sides.values() for _, check in rows)
        found.append((", ".join(map(str, key)), right, unseen))
    return found


def _verdicts(title: str, judged: Sequence[Judged]) -> list[Verdict]:
    pairs = winners(judged)
    wrong = "; ".join(name for name, right, _ in pairs if not right)
    clear = [right for _, right, _ in winners(judged, _CLEAR)]
    unseen = [right for _, right, unseen in pairs if unseen]
    rule = f"of pairs that differ by {_TIE:.0%} or more"
    return [
        *larger_scales(title, judged),
        Verdict(
            title,
            f"winner named correctly, share {rule}, {len(pairs)} pairs",
            sum(right for _, right, _ in pairs) / max(len(pairs), 1),
            _WINNERS,
            "at least",
            note=f"{sum(clear)} of the {len(clear)} that differ by {_CLEAR:.0%} or more; wrong: {wrong or 'none'}",
        ),
        Verdict(
            title,
            f"the same, pairs of which no fit saw a row, {len(unseen)} pairs",
            sum(unseen) / max(len(unseen), 1),
            _WINNERS,
            "at least",
        ),
    ]


def _stages() -> list[Stage]:
    ones = [
        Stage(f"one GPU, {model}", {f"compute.scale.{network}": Bounds(1.0, 0.2, 5.0)}, f"{model} on one GPU")
        for model, (network, _) in _NETWORKS.items()
    ]
    names = tuple(stage.name for stage in ones)
    node = {"link.pcie3-x16.bandwidth": Bounds(0.6, 0.05, 1.0), _ADAMW: Bounds(10.0, 1.0, 60.0)}
    calls = {"collective.call": Bounds(2e-4, 1e-6, 0.05)}
    rows = "all rows of four GPUs on 10 GbE"
    stages = [
        *ones,
        Stage("one node, A2A", node, f"{rows}: BSP-A2A, WFBP-A2A, MG-WFBP", after=names),
        Stage("one node, PS", node, f"{rows}: all parameter servers", after=names),
        Stage("one node, ByteScheduler-A2A", calls, f"{rows}: ByteScheduler-A2A", after=(*names, "one node, A2A")),
    ]
    for fabric, _, link in _FABRICS.values():
        for architecture in ("A2A", "PS"):
            network = {f"link.{link}.bandwidth": Bounds(0.7, 0.02, 1.05)}
            if architecture == "PS":
                network[_SUMS] = Bounds(2.0, 0.5, 60.0)
            seen = f"eight GPUs, {' and '.join(_SEEN_ON_TWO_NODES)}, ByteScheduler apart"
            name, after = f"two nodes, {fabric}, {architecture}", (*names, f"one node, {architecture}")
            stages.append(Stage(name, network, seen, after=after))
    return stages


HKBU = Source(
    name="hkbu",
    title="HKBU",
    table="hkbu_ddl_2020_ps_vs_allreduce",
    text="""\
All-reduce is `ddp-msgd` with a ring over all GPUs: buckets of 512 MiB (BSP), of a layer or 256 KiB (WFBP), of 25 MiB
(MG-WFBP). BytePS is `sync-ps` with the GPUs of a node as a group, buckets of 16 MiB, and as many nodes of servers as of
workers; on one node it starts no server and is an all-reduce. ByteScheduler is WFBP layer by layer with a call overhead
of its own (all-reduce) and WFBP (server).
""",
    reasons="""\
- *HKBU, 100 Gb/s TCP, parameter server*: the measured rows contradict one another. BSP and WFBP of ResNet-50 and of
  BERT-Large repeat the 10 GbE figures within 2 %, as if those runs had used the other adapter, while BERT-Base and
  ByteScheduler are two to three times as fast as on 10 GbE. No bandwidth fits both.
- *HKBU, ByteScheduler-A2A on ResNet-50* is measured a third slower than plain overlap on one node already, with a
  deviation of ten per cent from run to run; an overhead a call does not explain it, because BERT, with more layers,
  shows little. It makes 9 of the pairs.
- *HKBU, winners*: about half are named, which is no better than a coin. Server and all-reduce differ by less than 10 %
  in most pairs, and errors are of that size; of clear pairs the contradictory rows and ByteScheduler-A2A make most of
  the misses. On InfiniBand the server of BERT-Large is predicted 20 % too fast, so it wins where all-reduce did.
- *HKBU, choice of the model*: four sets of parameters were tried (a slowdown beside messages or work in proportion to
  the parameters on one node; overhead a message, a call, or neither between nodes), with the errors of all rows in
  sight. The set kept is the one that rows seen by the fits meet best with like values on all networks, but rows that no
  fit saw were known when it was chosen: their median error was 6 to 9 %, and winners 51 to 53 %, with each.
- `adamw.scale` says that on one node BERT does work in proportion to its parameters that a single GPU does not show:
  fusion buffers, and AdamW's many passes. ResNet-50, which plain SGD trains, shows none.
""",
    stages=_stages(),
    cases=_cases,
    verdicts=_verdicts,
)
