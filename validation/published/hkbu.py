"""HKBU's comparison of 2020: parameter server (BytePS) against all-reduce (Horovod), 1 to 16 GPUs, three networks.

Four GPUs a node. The parameter servers, as many as nodes of workers, have nodes of their own; a job on one node starts
none. BERT was run on 64 tokens: two sequences of it are one of the 128 tokens that the project's BERT has.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from simulator.hardware.link import load_link
from validation.checks import Verdict
from validation.published.fitting import Bounds, Case, Parameters, Stage
from validation.published.hkbu_pairs import AT_WORD, pair_verdicts
from validation.published.jobs import Job, Simulated
from validation.published.reference import Row
from validation.published.source import Judged, Source, larger_scales

__all__ = ["HKBU", "between_nodes"]

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
_MERGED = {"ResNet-50": 3 * _MEBIBYTE, "BERT-Base": 25 * _MEBIBYTE, "BERT-Large": 25 * _MEBIBYTE}
#: What ByteScheduler has on its way at most: BYTESCHEDULER_CREDIT of the launch script.
_CREDIT = 16_000_000
#: Of BytePS: every tensor travels alone.
_ALONE = 1
#: The same: bytes at which the launch script cuts a tensor.
_PART = 4 * _MEBIBYTE
#: The same: parts on their way before the first is gathered.
_WINDOW = 8
#: Systems of which a run on the second may have gone over the adapter of the first.
_ADAPTERS = ("hkbu-10g", "hkbu-100g-tcp")
_RING = {"all_reduce": "ring"}
#: Bytes and number of the tensors of networks that AdamW trains; ResNet-50 was trained by plain SGD.
_ADAMW = {"BERT-Base": (437.9e6, 206), "BERT-Large": (1340.6e6, 398)}
#: Seconds that AdamW takes a byte of parameters beyond the simulated update: it goes nineteen times over an array where
#: that goes five times, at three quarters of the memory's 616 GB/s.
_ADAMW_BYTE = (19 - 5) / (0.75 * 616e9)
#: Parameter of this package: seconds that it takes a tensor, on top, where several processes share a host.
_ADAMW_TENSOR = "adamw.tensor"
#: The same: seconds of a staging copy where messages between nodes go over that link.
_STAGING = "staging."
#: The same: share of a link's bandwidth that pushes get, and pulls the other way, while both go on.
_TURNS = "servers.turns"
#: The same: what one connection between a node of workers and one of servers carries each way [B/s], over TCP.
_CONNECTION = "servers.connection"
_OWN = (_ADAMW_TENSOR, _STAGING, _TURNS, _CONNECTION)
#: Two step times are those of one adapter if they differ by less than the first, where communication makes a step
#: longer than on one node by the second or more.
_SAME, _BOUND = 0.03, 0.25
_TWO_NODES_PS = "two nodes, PS"
_CONNECTIONS = "two nodes, 100 Gb/s TCP, PS"


def _split(method: str) -> tuple[str, str]:
    """``"WFBP-PS"`` to how it overlaps and which architecture it is."""
    if method == "MG-WFBP":
        return method, "A2A"
    way, _, architecture = method.rpartition("-")
    return way, architecture


def _job(row: Row, network_of: str) -> Job:
    """What was run, on the system whose nodes are joined by the network of that name."""
    way, architecture = _split(row.note("method"))
    network, share = _NETWORKS[row.model]
    system, nodes, batch = _FABRICS[network_of][1], max(1, row.n // _GPUS_OF_A_NODE), int(row.batch * share)
    if architecture == "PS" and nodes > 1:
        options: dict[str, Any] = {"bucket_bytes": _ALONE, "partition_bytes": _PART, "window": _WINDOW}
        if way == "BSP":
            options |= {"bucket_bytes": _FUSED, "overlap": False}
        options["group"] = _GPUS_OF_A_NODE
        placement = {"master": "node", "shards": nodes}
        return Job(system, network, row.n, batch, "sync-ps", 2 * nodes, "cifar10", options, placement)
    if way == "BSP":
        size = _FUSED
    elif architecture == "PS":
        size = _ALONE
    else:
        size = {"WFBP": _ALONE, "MG-WFBP": _MERGED[row.model], "ByteScheduler": _CREDIT}[way]
    options = {"bucket_bytes": size, "first_bucket_bytes": size, "collectives": _RING}
    return Job(system, network, row.n, batch, "ddp-msgd", nodes, "cifar10", options)


def _predict(simulated: Simulated, row: Row, network: str, parameters: Parameters) -> float:
    known = {
        name: value for name, value in parameters.items() if not name.startswith((*_OWN, "link.ether", "link.inf"))
    }
    if row.model in _ADAMW:
        size, tensors = _ADAMW[row.model]
        known[f"compute.fixed.{_NETWORKS[row.model][0]}"] = size * _ADAMW_BYTE + tensors * parameters.get(
            _ADAMW_TENSOR, 0.0
        )
    if row.n > _GPUS_OF_A_NODE:
        servers = _split(row.note("method"))[1] == "PS"
        known |= between_nodes(_FABRICS[network][2], servers, parameters)
    return row.n * row.batch / simulated.step_time(_job(row, network), known)


def between_nodes(link: str, servers: bool, parameters: Parameters) -> dict[str, float]:
    """Parameters of the link between nodes, with servers or without."""
    bandwidth = parameters.get(f"link.{link}.bandwidth", 1.0)
    known = {f"link.{link}.bandwidth": bandwidth * (parameters.get(_TURNS, 1.0) if servers else 1.0)}
    if f"{_STAGING}{link}" in parameters:
        known["overhead.staging"] = parameters[f"{_STAGING}{link}"]
    limit = load_link(link).flow_cap
    if servers and limit and _CONNECTION in parameters:
        # A node has one connection to every server; in the simulation, each of its GPUs sends a stream of its own.
        known[f"link.{link}.stream"] = parameters[_CONNECTION] / _GPUS_OF_A_NODE / limit.value
    return known


def _cases(rows: Sequence[Row], simulated: Simulated) -> list[Case]:
    found, singles, others = [], set[str](), _over_other_adapter(rows)
    for row in rows:
        method = row.note("method")
        way, architecture = _split(method)
        if row.n == 1 and row.model in singles:
            continue  # the table repeats the row of one GPU for every method and network
        singles.add(row.model)
        networks = [row.system]
        if row.n > _GPUS_OF_A_NODE and (row.system, row.model, method) in others:
            networks.insert(0, others[row.system, row.model, method])
        for place, network in enumerate(networks):
            stages = _stages_of(row, way, architecture, _FABRICS[network][0])
            fabric, at_word = _FABRICS[row.system][0], place > 0
            found.append(
                Case(
                    section=f"HKBU: {fabric}",
                    name=f"{row.model}, {row.n} GPU{'s' * (row.n > 1)}{AT_WORD * at_word}",
                    measured=row.value,
                    predict=partial(_predict, simulated, row, network),
                    unit="samples/s",
                    series="one GPU" if row.n == 1 else method,
                    note=f"predicted over {_FABRICS[network][0]}" if network != row.system else "",
                    stages=stages,
                    fits="" if at_word else _fits(row, way, architecture, stages),
                    larger=row.n >= 2 * _GPUS_OF_A_NODE and not at_word,
                    tags=(fabric, row.model, row.n, way, architecture, row.note("std")),
                )
            )
    return found


def _over_other_adapter(rows: Sequence[Row]) -> dict[tuple[str, str, str], str]:
    """Network, model and method of runs that went over another network's adapter, and over which.

    A node has an adapter of either kind, and BytePS takes the one that a run's environment names. Told by the rows of
    four and eight GPUs: over 100 Gb/s TCP a step takes as long as over 10 GbE, although communication bounds it.
    """
    slow, fast = (next(name for name, each in _FABRICS.items() if each[1] == system) for system in _ADAPTERS)
    speeds = {(row.system, row.model, row.note("method"), row.n): row.value / row.n for row in rows}
    found = {}
    for (system, model, method, n), speed in speeds.items():
        one, other = speeds.get((system, model, method, _GPUS_OF_A_NODE)), speeds.get((slow, model, method, n))
        if system != fast or n != 2 * _GPUS_OF_A_NODE or not one or not other:
            continue
        if one / speed >= 1.0 + _BOUND and abs(speed / other - 1.0) < _SAME:
            found[system, model, method] = slow
    return found


def _stages_of(row: Row, way: str, architecture: str, fabric: str) -> tuple[str, ...]:
    stages = [f"one GPU, {row.model}"]
    if row.n > 1:
        stages.append(f"one node, {architecture}")
    if row.n > _GPUS_OF_A_NODE:
        stages.append(f"two nodes, {fabric}, A2A")
        if architecture == "PS":
            stages += [_TWO_NODES_PS] if fabric != "100 Gb/s TCP" else [_TWO_NODES_PS, _CONNECTIONS]
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


def _verdicts(title: str, judged: Sequence[Judged]) -> list[Verdict]:
    return [*larger_scales(title, judged), *pair_verdicts(title, judged)]


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
    between = []
    for fabric, _, link in _FABRICS.values():
        network = {f"link.{link}.bandwidth": Bounds(1.0, 0.02, 1.087), f"{_STAGING}{link}": Bounds(9e-6, 1e-6, 1e-4)}
        seen, after = "eight GPUs: BSP-A2A, WFBP-A2A, MG-WFBP", (*names, "one node, A2A")
        between.append(Stage(f"two nodes, {fabric}, A2A", network, seen, after=after))
    after = (*names, "one node, PS", *(stage.name for stage in between))
    turns, connection = {_TURNS: Bounds(0.5, 0.1, 1.0)}, {_CONNECTION: Bounds(0.5e9, 0.2e9, 4.5e9)}
    return [
        *stages,
        *between,
        Stage(_TWO_NODES_PS, turns, "eight GPUs on 10 GbE and InfiniBand: all parameter servers", after=after),
        Stage(
            _CONNECTIONS,
            connection,
            "eight GPUs on 100 Gb/s TCP: parameter servers that went over it",
            after=(*after, _TWO_NODES_PS),
        ),
    ]


HKBU = Source(
    name="hkbu",
    title="HKBU",
    table="hkbu_ddl_2020_ps_vs_allreduce",
    text="""\
All-reduce is `ddp-msgd` with a ring over all GPUs: one bucket (BSP), one of every layer (WFBP), of 25 MiB or, on
ResNet-50, 3 MiB (MG-WFBP), of 16 MB with a call overhead of their own (ByteScheduler). BytePS is `sync-ps` with the
GPUs of a node as a group and as many nodes of servers as of workers: every tensor by itself, in parts of at most 4 MiB
that are summed, pushed, pulled and gathered in a pipeline, after the backward pass (BSP) or behind it (WFBP and
ByteScheduler); on one node it starts no server and is an all-reduce of every tensor. How each was started is read from
the scripts of HKBU-HPML/ddl-benchmarks at commit 565964ab.

A link between nodes has the bandwidth that all-reduce gets of it, `staging.` and its name the seconds of a staging copy
on the way to it. With servers, pushes get `servers.turns` of that bandwidth, and pulls as much the other way, on all
three networks. Over 100 Gb/s TCP, moreover, each of the connections between a node of workers and the nodes of servers
carries at most `servers.connection` bytes a second (`link.ethernet-100g-tcp.stream` in a scenario, where each of the
four GPUs of a node has a quarter of it); with twice as many nodes, each has twice as many connections. Two connections
carry more than servers get of the 10 GbE adapter, and RDMA is taken to have no such limit.

Some runs are said to be over 100 Gb/s TCP, but took as long as over the 10 GbE adapter of the same nodes, and are taken
to have gone over that: BytePS uses the adapter that each run's environment names. Which runs, the rows of four and
eight GPUs tell: a network and a method whose step on eight GPUs is a quarter longer than on one node or more, so that
communication bounds it, and within 3 % of that over 10 GbE. These (BSP-PS of ResNet-50 and of BERT-Large, WFBP-PS of
BERT-Large) are predicted over 10 GbE, on eight GPUs and on 16, and are seen by its fit on eight. What is predicted for
them over 100 Gb/s TCP stands beside it, as rows *at their word*, and a note says how many winners are named with those.

BERT was trained by AdamW: a time in proportion to its bytes on every number of GPUs, and, where several processes share
a host, `adamw.tensor` seconds for each of its 206 or 398 tensors. A scenario states the sum of both as
`compute.fixed.bert-base` or `compute.fixed.bert-large`. Fits see one GPU, four GPUs on 10 GbE, and eight GPUs but for
ByteScheduler's all-reduce, whose call overhead is fitted on one node alone; no fit saw a row of 16 GPUs.
""",
    reasons="""\
- *HKBU, 100 Gb/s TCP, parameter server*: the table's rows contradict one another, unless the three that are named
  above went over the other adapter; nothing but their own times says so. ResNet-50's WFBP-PS on 16 GPUs also repeats
  the 10 GbE figure, 6 % slower than predicted, but its row of eight GPUs, which no network bounds, cannot tell. Of
  the rows that went over 100 Gb/s TCP, one limit of a connection fits those of eight GPUs within 4 %; on 16 GPUs it
  predicts BERT 12 to 17 % too fast: twice the connections gave 1.3 to 1.7 times the rate, not twice.
- *HKBU, ByteScheduler-A2A on ResNet-50* is measured a third slower than plain overlap on one node already, with a
  deviation of ten per cent from run to run; an overhead a call does not explain it, because BERT, with more tensors,
  shows little, and neither does a slowdown beside messages, with which BERT-Base gets 11 % too slow. Its times are
  predicted 36 to 58 % too fast, and the server is named all the same, if by a few per cent only.
- *HKBU, winners*: from 8 to 16 GPUs the ring's time grows by 2 (n − 1)/n and the server's does not, or falls where
  connections bind, so that the server overtakes: on 16 GPUs 29 of 33 are named, where who won on eight wins in 22. What
  is named wrongly differs by 1 to 6 %, but for ByteScheduler on BERT-Large with InfiniBand, whose server varies by 15 %
  from run to run. Over 10 GbE ByteScheduler's all-reduce of BERT is a few per cent faster than any other, as if the
  next forward pass began while messages were under way; the simulation ends a step with its update.
- *HKBU, WFBP-A2A of BERT-Base with InfiniBand* is predicted 8 % too fast on 8 GPUs and 16 % on 16. Its backward pass
  would hide the all-reduces of single tensors; measured, they are not hidden, as if their kernels had waited for those
  of the backward pass. The simulation can slow a pass down beside messages, not messages beside a pass. Of BERT-Large,
  where messages take longer than the pass, the same rows are within 1 %.
- *HKBU, BSP-PS of ResNet-50* is measured 15 ms slower than predicted on one node and 14 to 26 ms on more; BERT-Base
  shows nothing of the kind.
- *HKBU, bandwidths between nodes*: the share that pushes and pulls get of a link, 0.56, binds on 10 GbE. Each way at
  the full rate at once would be 1, strict turns 0.5. Requests for sums that wait behind queued pushes would explain
  turns, but that is a guess, and throughputs cannot tell it from slow servers. On InfiniBand, copies to and from host
  memory bind and not the network, so that nothing is fitted there but what 10 GbE gave: on eight GPUs,
  WFBP of BERT is predicted 4 to 7 % too fast, and ByteScheduler, of which BERT-Large scatters by 15 %, 4 to 9 %.
  InfiniBand does not bind the ring either, so its bandwidth stayed where the search began.
- *HKBU, parameter server over 10 GbE*: WFBP and ByteScheduler of BERT-Base are predicted 2 to 8 % too slow. They gain
  more on BSP than the backward pass takes, as if updates went on beside pulls; those of BERT-Large do not.
- *HKBU, AdamW*: the authors' scripts train BERT by AdamW with Horovod; with BytePS, at the commit that was read, by
  plain SGD, with AdamW commented out. The measured times need the time a tensor with both, 0.33 and 0.27 ms; that
  it is AdamW's, launched kernel by kernel from Python on a busy host, is a guess.
- *HKBU, choice of the model*: BytePS's pipeline, its partitions, the tensors that travel alone and the credit follow
  those scripts. Whether AdamW's extra time goes with bytes or with tensors, which overheads vary with the network, what
  was run over the other adapter, the limit of a connection, and the bucket of MG-WFBP on ResNet-50 (of 2 to 64 MiB, the
  one nearest to its rows: where it ends decides what is left to send after the backward pass) were chosen by the rows
  of four and eight GPUs. Rows of 16 GPUs were known by then, from earlier versions of this page and while variants were
  compared. That connections are a limit, in particular, was suspected because rows of 16 GPUs are faster than those of
  eight; its value is of eight GPUs alone. The winners that are called unseen are of rows that no fit saw, not of rows
  that nobody had seen.
""",
    stages=_stages(),
    cases=_cases,
    verdicts=_verdicts,
)
