"""HKBU's comparison of 2020: parameter server (BytePS) against all-reduce (Horovod), 1 to 16 GPUs, three networks.

Four GPUs a node. The parameter servers, as many as nodes of workers, have nodes of their own; a job on one node starts
none. BERT was run on 64 tokens: two sequences of it are one of the 128 tokens that the project's BERT has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import hypot, inf
from typing import Any

from validation.checks import Verdict
from validation.published.fitting import Bounds, Case, Parameters, Stage
from validation.published.jobs import Job, Simulated
from validation.published.reference import Row
from validation.published.source import Judged, Source, larger_scales

__all__ = ["HKBU", "Pair", "all_pairs", "as_on_half", "winners"]

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
#: More than any of the networks has: all gradients in one buffer.
_FUSED = 2048 * _MEBIBYTE
#: MG-WFBP joins the gradients that come while an earlier message is on its way: few where all messages together take
#: less time than the backward pass, many where they take longer.
_MERGED = {"ResNet-50": 4 * _MEBIBYTE, "BERT-Base": 25 * _MEBIBYTE, "BERT-Large": 25 * _MEBIBYTE}
#: What ByteScheduler has on its way at most: BYTESCHEDULER_CREDIT of the launch script.
_CREDIT = 16_000_000
#: Of BytePS: bytes that join a bucket, bytes at which it is cut, and parts on their way before the first is gathered.
#: The launch script cuts at 4 MB; with four times as much the pipeline of the larger networks is as full, and shorter
#: to simulate.
_PARTITIONS = {
    "ResNet-50": (_MEBIBYTE, 4 * _MEBIBYTE, 8),
    "BERT-Base": (16 * _MEBIBYTE, 16 * _MEBIBYTE, 4),
    "BERT-Large": (16 * _MEBIBYTE, 16 * _MEBIBYTE, 4),
}
_RING = {"all_reduce": "ring"}
#: Bytes and number of the tensors of networks that AdamW trains; ResNet-50 was trained by plain SGD.
_ADAMW = {"BERT-Base": (437.9e6, 206), "BERT-Large": (1340.6e6, 398)}
#: Seconds that AdamW takes a byte of parameters beyond the simulated update: it goes nineteen times over an array where
#: that goes five times, at three quarters of the memory's 616 GB/s.
_ADAMW_BYTE = (19 - 5) / (0.75 * 616e9)
#: Parameter of this package: seconds that it takes a tensor, on top, where several processes share a host.
_ADAMW_TENSOR = "adamw.tensor"
_STAGING = "overhead.staging"
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
    joined, most, window = _PARTITIONS[row.model]
    if architecture == "PS" and nodes > 1:
        options: dict[str, Any] = {"bucket_bytes": joined, "partition_bytes": most, "window": window}
        if way == "BSP":
            options |= {"bucket_bytes": _FUSED, "overlap": False}
        options["group"] = _GPUS_OF_A_NODE
        placement = {"master": "node", "shards": nodes}
        return Job(system, network, row.n, batch, "sync-ps", 2 * nodes, "cifar10", options, placement)
    if way == "BSP":
        size = _FUSED
    elif architecture == "PS":
        size = joined
    else:
        size = {"WFBP": 1, "MG-WFBP": _MERGED[row.model], "ByteScheduler": _CREDIT}[way]
    options = {"bucket_bytes": size, "first_bucket_bytes": size, "collectives": _RING}
    return Job(system, network, row.n, batch, "ddp-msgd", nodes, "cifar10", options)


def _predict(simulated: Simulated, row: Row, parameters: Parameters) -> float:
    known = {name: value for name, value in parameters.items() if name != _ADAMW_TENSOR}
    if row.model in _ADAMW:
        size, tensors = _ADAMW[row.model]
        known[f"compute.fixed.{_NETWORKS[row.model][0]}"] = size * _ADAMW_BYTE + tensors * parameters.get(
            _ADAMW_TENSOR, 0.0
        )
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
                tags=(fabric, row.model, row.n, way, architecture, row.note("std")),
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
    """The stage that sees the row: one GPU, one node (on the first network), two nodes."""
    if row.n == 1:
        return stages[0]
    if row.n == _GPUS_OF_A_NODE:
        return stages[-1] if _FABRICS[row.system][1] == "hkbu-10g" else ""
    apart = (way, architecture) == ("ByteScheduler", "A2A")
    return stages[-1] if row.n == 2 * _GPUS_OF_A_NODE and not apart else ""


@dataclass(frozen=True)
class Pair:
    """A parameter server and an all-reduce of the same network, model, GPUs and way to overlap, or the best of each.

    Attributes
    ----------
    series : tuple
        What it shares with the pairs of other numbers of GPUs.
    gpus : int
    ahead : float
        How much faster than the all-reduce the server was measured, as a share; negative where it was slower.
    sure : bool
        Whether the measured difference exceeds two of its standard deviations.
    right : bool
        Whether the one that was measured faster is predicted to be.
    unseen : bool
        Whether the fits saw neither of its rows.
    """

    series: tuple[str, str, str]
    gpus: int
    ahead: float
    sure: bool
    right: bool
    unseen: bool

    @property
    def name(self) -> str:
        """``"10 GbE TCP, ResNet-50, 8, BSP"``."""
        network, model, kind = self.series
        return f"{network}, {model}, {self.gpus}, {kind}"


def all_pairs(judged: Sequence[Judged]) -> list[Pair]:
    """Every pair of several GPUs, in the order of the rows."""
    sides: dict[tuple[Any, ...], dict[str, list[Judged]]] = {}
    for case, check in judged:
        network, model, n, way, architecture = case.tags[:5]
        if n == 1:
            continue
        for kind in ("best", *([way] if way != "MG-WFBP" else [])):
            sides.setdefault((network, model, n, kind), {}).setdefault(str(architecture), []).append((case, check))
    return [_pair(key, rows) for key, rows in sides.items() if set(rows) == {"PS", "A2A"}]


def _pair(key: tuple[Any, ...], rows: Mapping[str, Sequence[Judged]]) -> Pair:
    network, model, gpus, kind = key
    server, ring = (max(rows[side], key=lambda row: row[1].measured) for side in ("PS", "A2A"))
    deviation = hypot(*(float(case.tags[5] if len(case.tags) > 5 else 0) for case, _ in (server, ring)))
    difference = server[1].measured - ring[1].measured
    predicted = [max(check.predicted for _, check in rows[side]) for side in ("PS", "A2A")]
    return Pair(
        series=(network, model, kind),
        gpus=gpus,
        ahead=difference / ring[1].measured,
        sure=abs(difference) > 2.0 * deviation,
        right=(difference > 0) == (predicted[0] > predicted[1]),
        unseen=not any(check.fitted for side in rows.values() for _, check in side),
    )


def winners(judged: Sequence[Judged], tie: float = _TIE) -> list[Pair]:
    """The pairs that differ by `tie` or more."""
    return [pair for pair in all_pairs(judged) if abs(pair.ahead) >= tie]


def as_on_half(pairs: Sequence[Pair], gpus: int, tie: float = _TIE) -> tuple[int, int]:
    """How often the one that was measured faster on half of the GPUs is faster on `gpus`, and of how many pairs."""
    half = {pair.series: pair.ahead > 0 for pair in pairs if 2 * pair.gpus == gpus}
    same = [half[pair.series] == (pair.ahead > 0) for pair in pairs if pair.gpus == gpus and abs(pair.ahead) >= tie]
    return sum(same), len(same)


def _share(title: str, statement: str, pairs: Sequence[Pair], note: str = "") -> Verdict:
    share = sum(pair.right for pair in pairs) / max(len(pairs), 1)
    return Verdict(title, f"{statement}, {len(pairs)} pairs", share, _WINNERS, "at least", note=note)


def _verdicts(title: str, judged: Sequence[Judged]) -> list[Verdict]:
    pairs = winners(judged)
    edges = (_TIE, 0.03, _CLEAR, inf)
    margins = [
        f"{sum(found)} of {len(found)} that differ by {_between(low, high)}"
        for low, high in pairwise(edges)
        if (found := [pair.right for pair in pairs if low <= abs(pair.ahead) < high])
    ]
    most = max((pair.gpus for pair in pairs), default=0)
    large = [pair.right for pair in pairs if pair.gpus == most]
    right, of = as_on_half(all_pairs(judged), most)
    unseen = [pair for pair in pairs if pair.unseen]
    wrong = "; ".join(pair.name for pair in pairs if not pair.right)
    rule = f"of pairs that differ by {_TIE:.0%} or more"
    return [
        *larger_scales(title, judged),
        _share(
            title, f"winner named correctly, share {rule}", pairs, f"{', '.join(margins)}; wrong: {wrong or 'none'}"
        ),
        _share(
            title,
            "the same, pairs of which no fit saw a row",
            unseen,
            f"{sum(large)} of {len(large)} on {most} GPUs, where who won on {most // 2} wins in {right} of {of}; the "
            "others are of one node, whose rows are much like those that the fits saw on another network",
        ),
        _share(
            title,
            "the same, pairs that differ by more than two standard deviations of what was measured",
            [pair for pair in pairs if pair.sure],
        ),
    ]


def _between(low: float, high: float) -> str:
    return f"{low:.0%} or more" if high == inf else f"{low:.0%} to {high:.0%}"


def _stages() -> list[Stage]:
    ones = [
        Stage(f"one GPU, {model}", {f"compute.scale.{network}": Bounds(1.0, 0.2, 5.0)}, f"{model} on one GPU")
        for model, (network, _) in _NETWORKS.items()
    ]
    names = tuple(stage.name for stage in ones)
    node = {"link.pcie3-x16.bandwidth": Bounds(0.6, 0.05, 1.0), _ADAMW_TENSOR: Bounds(2e-4, 1e-6, 1e-2)}
    calls = {"collective.call": Bounds(1e-3, 1e-6, 0.05)}
    rows = "all rows of four GPUs on 10 GbE"
    stages = [
        *ones,
        Stage("one node, A2A", node, f"{rows}: BSP-A2A, WFBP-A2A, MG-WFBP", after=names),
        Stage("one node, PS", node, f"{rows}: all parameter servers", after=names),
        Stage("one node, ByteScheduler-A2A", calls, f"{rows}: ByteScheduler-A2A", after=(*names, "one node, A2A")),
    ]
    for fabric, _, link in _FABRICS.values():
        for architecture in ("A2A", "PS"):
            # From below: where the link does not bind, the search feels no slope.
            start = 1.0 if architecture == "A2A" else 0.15
            network = {f"link.{link}.bandwidth": Bounds(start, 0.02, 1.087)}
            if architecture == "A2A":
                network[_STAGING] = Bounds(9e-6, 1e-6, 1e-4)
            seen = "eight GPUs: " + ("BSP-A2A, WFBP-A2A, MG-WFBP" if architecture == "A2A" else "all parameter servers")
            name, after = f"two nodes, {fabric}, {architecture}", (*names, f"one node, {architecture}")
            stages.append(Stage(name, network, seen, after=after))
    return stages


HKBU = Source(
    name="hkbu",
    title="HKBU",
    table="hkbu_ddl_2020_ps_vs_allreduce",
    text="""\
All-reduce is `ddp-msgd` with a ring over all GPUs: one bucket (BSP), one of every layer (WFBP), of 25 MiB or, on
ResNet-50, 4 MiB (MG-WFBP), of 16 MB with a call overhead of their own (ByteScheduler). BytePS is `sync-ps` with the
GPUs of a node as a group and as many nodes of servers as of workers, parts of 4 MiB (ResNet-50) or 16 MiB that are
summed, pushed, pulled and gathered in a pipeline, after the backward pass (BSP) or behind it (WFBP and ByteScheduler);
on one node it starts no server and is an all-reduce. How each was started is read from the scripts of
HKBU-HPML/ddl-benchmarks at commit 565964ab.

BERT was trained by AdamW: a time in proportion to its bytes on every number of GPUs, and, where several processes share
a host, `adamw.tensor` seconds for each of its 206 or 398 tensors. A scenario states the sum of both as
`compute.fixed.bert-base` or `compute.fixed.bert-large`. Fits see one GPU, four GPUs on 10 GbE, and eight GPUs but for
ByteScheduler's all-reduce, whose call overhead is fitted on one node alone; no fit saw a row of 16 GPUs.
""",
    reasons="""\
- *HKBU, 100 Gb/s TCP, parameter server*: the measured rows contradict one another. BSP and WFBP of ResNet-50 and of
  BERT-Large repeat the 10 GbE figures within 2 %, as if those runs had used the other adapter, while BERT-Base and
  ByteScheduler are up to two and a half times as fast as on 10 GbE. No bandwidth fits both: the fitted one is 17 to
  39 % off either way. Nine pairs of this network are named wrongly, seven of them on 16 GPUs. The rows that are faster
  than 10 GbE get faster still from 8 to 16 GPUs, as they would with a limit of some 0.6 GB/s a connection; calibration
  knows no such limit beside the bandwidth.
- *HKBU, ByteScheduler-A2A on ResNet-50* is measured a third slower than plain overlap on one node already, with a
  deviation of ten per cent from run to run; an overhead a call does not explain it, because BERT, with more tensors,
  shows little, and neither does a slowdown beside messages, with which BERT-Base gets 11 % too slow. Its times are
  predicted 36 to 58 % too fast, and the server is named all the same, if by a few per cent only.
- *HKBU, winners on 10 GbE and InfiniBand*: 48 of 58. From 8 to 16 GPUs the ring's time grows by 2 (n − 1)/n and the
  server's does not, so that the server overtakes, and on 10 GbE 10 of 11 are named on 16 GPUs, where who won on eight
  wins in 7. What is named wrongly differs by 1 to 5 %, but for ByteScheduler on BERT-Large with InfiniBand, whose
  server varies by 15 % from run to run, and WFBP of BERT-Base.
- *HKBU, WFBP-A2A of BERT-Base with InfiniBand* is predicted 8 % too fast on 8 GPUs and 16 % on 16. Its backward pass
  would hide the all-reduces of single tensors; measured, they are not hidden, as if their kernels had waited for those
  of the backward pass. The simulation can slow a pass down beside messages, not messages beside a pass. Of BERT-Large,
  where messages take longer than the pass, the same rows are within 1 %.
- *HKBU, BSP-PS of ResNet-50* is measured 15 ms slower than predicted on one node and, but for 100 Gb/s TCP, 8 to 28 ms
  on more; BERT shows nothing of the kind.
- *HKBU, bandwidths between nodes*: a server's node moves 0.6 of what a 10 GbE link does and 0.2 of InfiniBand, each way
  at once; whether that is the servers' processors or pushes and pulls in turn, throughputs cannot tell. A search for it
  starts from below, where the link binds: from above it finds no slope. InfiniBand does not bind the ring, so its
  bandwidth stayed where the search began.
- *HKBU, AdamW*: the authors' scripts train BERT by AdamW with Horovod; with BytePS, at the commit that was read, by
  plain SGD, with AdamW commented out. The measured times need the time a tensor with both, 0.33 and 0.27 ms; that
  it is AdamW's, launched kernel by kernel from Python on a busy host, is a guess.
- *HKBU, choice of the model*: BytePS's pipeline, its partitions, the tensors that travel alone and the credit follow
  those scripts. Whether AdamW's extra time goes with bytes or with tensors, which overheads vary with the network, and
  the bucket of MG-WFBP on ResNet-50 were chosen by the rows of four and eight GPUs. Rows of 16 GPUs were known by then,
  from earlier versions of this page and while variants were compared, but no choice was made by them: of two searches
  for the server's bandwidth over 100 Gb/s TCP that ended apart, the one kept fits its rows better and names three fewer
  of the unseen pairs.
""",
    stages=_stages(),
    cases=_cases,
    verdicts=_verdicts,
)
