"""NCCL all-reduce by size on nodes of A100, H100, H200 and B200, alone and in pairs or fours over a network.

A ring is played, or below a size the double binary tree where that is faster, as NCCL's tuner chooses. Reduction
inside the NVLink switches (NVLS) has no schedule here. It moves (1 + 1/n) of the array over each GPU's links where a
ring moves 2 (n − 1)/n, so its rows are played as rings over links faster by 2 (n − 1)/(n + 1), times an efficiency that
is fitted. Between N nodes NCCL's trees send 2 (N − 1)/N of the array from each node where a ring through all GPUs sends
2 (n − 1)/n: the network is faster by the ratio of the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from simulator.execution.collective_time import collective_time
from simulator.hardware import load_system
from simulator.platform import build_platform
from simulator.platform.corrections import LinkCorrection, PlatformCorrections
from validation.checks import Verdict
from validation.published.fitting import Bounds, Case, Parameters, Stage
from validation.published.jobs import Simulated
from validation.published.reference import Row
from validation.published.source import ALLOWED, Judged, Source, median_error, unseen

__all__ = ["NCCL"]

#: Largest size [bytes] at which a tree is tried.
_TREE_UPTO = 1 << 20
#: From this size on rows count as the larger scale: bandwidth decides.
_LARGE = 64 << 20
_NVLS = "nvls.efficiency"
_SLOTS = "pcie5-x16"
#: Bandwidths below this [GB/s] are printed with one digit.
_READABLE = 0.1


@dataclass(frozen=True)
class _Machine:
    """A measured system: its profile, how many nodes, what joins GPUs and nodes, whether switches reduce."""

    name: str
    profile: str
    nodes: int
    nvlink: str
    network: str = ""
    nvls: bool = False
    inside: str = ""  #: the stage that the part inside a node was fitted in, where not its own


_MACHINES: Mapping[str, _Machine] = {
    "1 node, 8x A100 (NVLink 3)": _Machine("A100 × 8", "dgx-a100", 1, "nvlink3"),
    "2x AWS p4de.24xlarge (EFA)": _Machine(
        "A100 × 16, EFA", "aws-p4de-24xlarge", 2, "nvlink3", "efa-100g", inside="A100 × 8"
    ),
    "AWS Batch example": _Machine("H100 × 8", "aws-p5-48xlarge", 1, "nvlink4", nvls=True),
    "2x AWS p5.48xlarge (EFA)": _Machine(
        "H100 × 16, EFA", "aws-p5-48xlarge", 2, "nvlink4", "efa-100g", nvls=True, inside="H100 × 8"
    ),
    "2 nodes, 4x H100 each": _Machine("H100 × 4 + 4", "h100x4-ib", 2, "nvlink4", "infiniband-ndr", inside="H100 × 8"),
    "1 node, 8x H200": _Machine("H200 × 8", "h200x8", 1, "nvlink4", nvls=True),
    "1 node H200": _Machine("H200, rings", "h200x8", 1, "nvlink4"),
    "1 node P6-B200 (NVLink 5)": _Machine("B200 × 8", "aws-p6-b200", 1, "nvlink5"),
    "4 nodes P6-B200": _Machine("B200 × 32, EFA", "aws-p6-b200", 4, "nvlink5", "efa-100g", inside="B200 × 8"),
}


def _machine(row: Row) -> _Machine:
    return next(machine for start, machine in _MACHINES.items() if row.system.startswith(start))


def _size(row: Row) -> int:
    text = row.model.removeprefix("all_reduce ").removesuffix(" bytes")
    return int(text.removesuffix("GiB")) << 30 if text.endswith("GiB") else int(text)


def _time(machine: _Machine, ranks: int, size: int, nvls: bool, parameters: Parameters) -> float:
    """Seconds of one all-reduce."""
    inside = parameters[_NVLS] * 2.0 * (ranks - 1) / (ranks + 1) if nvls else 1.0
    factors = {machine.nvlink: inside}
    if machine.network:
        factors[machine.network] = (ranks - 1) / ranks / ((machine.nodes - 1) / machine.nodes)
        factors[_SLOTS] = 2.0  # the profile's joint slots carry what the adapters do, and are not what limits them
    links = {
        link: LinkCorrection(factor * parameters.get(f"link.{link}.bandwidth", 1.0)) for link, factor in factors.items()
    }
    names = {"overhead.peer": "peer", "overhead.message": "message", "collective.call": "collective"}
    overheads = {name: parameters[key] for key, name in names.items() if key in parameters}
    platform = build_platform(
        load_system(machine.profile), machine.nodes, corrections=PlatformCorrections(links, overheads)
    )
    per_node = ranks // machine.nodes
    devices = [placed.name for placed in platform.accelerators if placed.local_index < per_node]
    schedules = ("ring", "double-binary-tree") if size <= _TREE_UPTO else ("ring",)
    return min(collective_time(platform, devices, "all_reduce", size, schedule) for schedule in schedules)


def _predict(row: Row, machine: _Machine, nvls: bool, parameters: Parameters) -> float:
    size = _size(row)
    seconds = _time(machine, row.n, size, nvls, parameters)
    if row.metric == "time":
        return 1e6 * seconds
    return 2.0 * (row.n - 1) / row.n * size / seconds / 1e9


def _cases(rows: Sequence[Row], simulated: Simulated) -> list[Case]:
    fitted = _fitted(rows)
    found, seen = [], set[tuple[str, int, int, bool]]()
    for row in rows:
        machine, size = _machine(row), _size(row)
        nvls = machine.nvls
        if row.metric != "time" and row.value < _READABLE:
            continue
        if machine.name == "H200, rings":
            # Rings at four GPUs or where NVLS is switched off; what NVLS does at other counts is told from eight GPUs.
            nvls = row.n > 4 and "default" in row.notes
            if nvls:
                machine = _MACHINES["1 node, 8x H200"]
        if (machine.name, row.n, size, nvls) in seen:
            continue
        seen.add((machine.name, row.n, size, nvls))
        stages = tuple(name for name in (machine.inside, machine.name) if name)
        large = size >= _LARGE
        found.append(
            Case(
                section=f"NCCL all-reduce: {machine.name}",
                name=f"{_bytes(size)}, {row.n} GPUs" + (", NVLS" if nvls else ""),
                measured=row.value,
                predict=partial(_predict, row, machine, nvls),
                unit={"us": "µs"}.get(row.unit, row.unit),
                series="NVLS" if nvls else "ring",
                stages=stages,
                fits=machine.name if row in fitted else "",
                larger=large,
                tags=("NVLS" if nvls else "ring",),
            )
        )
    return found


def _bytes(size: int) -> str:
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << power:
            return f"{size / (1 << power):g} {unit}"
    return f"{size} B"


def _fitted(rows: Sequence[Row]) -> list[Row]:
    """Of each machine the smallest, the largest, and the row nearest to 1 MiB; of the rings on H200, the largest."""
    chosen = []
    for start, machine in _MACHINES.items():
        own = sorted((row for row in rows if row.system.startswith(start)), key=_size)
        own = [row for row in own if row.metric == "time" or row.value >= _READABLE]
        if machine.name == "H200, rings":
            chosen += [row for row in own if row.n == 8 and "NVLS_ENABLE=0" in row.notes]
        elif own:
            chosen += [own[0], min(own, key=lambda row: abs(_size(row) - (1 << 20))), own[-1]]
    return chosen


def _verdicts(title: str, judged: Sequence[Judged]) -> list[Verdict]:
    rows = unseen(judged)
    small = [check for case, check in judged if not case.larger and not check.fitted]
    return [
        Verdict(title, f"median error from 64 MiB on, {len(rows)} rows", median_error(rows), ALLOWED),
        Verdict(title, f"median error below 64 MiB, {len(small)} rows", median_error(small), _ALLOWED_SMALL),
    ]


#: Below 64 MiB NCCL changes protocol (LL, LL128, Simple) and channels with size, which nothing here follows.
_ALLOWED_SMALL = 0.35


def _stages() -> list[Stage]:
    stages = [
        Stage("H200, rings", {"link.nvlink4.bandwidth": Bounds(0.95, 0.5, 1.2)}, "8 GiB on eight H200 without NVLS")
    ]
    for machine in sorted(_MACHINES.values(), key=lambda machine: machine.nodes):
        if machine.name == "H200, rings":
            continue
        parameters = {"collective.call": Bounds(2e-5, 1e-7, 1e-3)}
        if machine.network:
            parameters["overhead.message"] = Bounds(1e-5, 1e-7, 1e-3)
            parameters[f"link.{machine.network}.bandwidth"] = Bounds(0.8, 0.1, 1.1)
        else:
            parameters["overhead.peer"] = Bounds(3e-6, 1e-7, 1e-4)
            parameters |= (
                {_NVLS: Bounds(0.85, 0.4, 1.2)}
                if machine.nvls
                else {f"link.{machine.nvlink}.bandwidth": Bounds(0.95, 0.5, 1.2)}
            )
        after = (machine.inside,) if machine.inside else ()
        stages.append(
            Stage(machine.name, parameters, "its smallest, its largest, and its row nearest 1 MiB", after=after)
        )
    return stages


NCCL = Source(
    name="nccl",
    title="NCCL all-reduce",
    table="nccl_allreduce",
    text="""\
One all-reduce of every size between all GPUs, as the executor plays it: a ring, or up to 1 MiB the double binary tree
where that is faster. Rows with reduction inside the switches (NVLS) are rings over links faster by 2 (n − 1)/(n + 1)
times a fitted efficiency. Call, overhead of a message and bandwidth are fitted to three sizes of each table.
""",
    reasons="""\
- *NCCL, below 64 MiB*: NCCL changes protocol (LL, LL128, Simple), channels and chunks with the size; one overhead a
  message and one bandwidth at all sizes make rings too slow where it pipelines (4 to 8 MiB on H100 pairs) and too fast
  where its protocol halves the bandwidth (16 to 64 MiB on A100 and on B200 over EFA).
- *B200 × 32* is predicted too slow up to 256 MiB: a ring of 32 pays 62 overheads of the network, where NCCL's trees,
  pipelined, pay a few. The double binary tree of this project sends its segments in lockstep rounds and is no faster.
- *H100 × 4 + 4*: the interconnect is not stated, the source calls its mid-range noisy, and the fit is a compromise of
  16 B, 1 MiB and 16 GiB that meets none of them.
- That NVLS and trees between nodes move fewer bytes than a ring was put in after a plain ring had been 20 to 50 % off
  on large arrays of pairs of nodes; the factors follow from the number of GPUs and nodes and were not fitted.
""",
    stages=_stages(),
    cases=_cases,
    verdicts=_verdicts,
)
