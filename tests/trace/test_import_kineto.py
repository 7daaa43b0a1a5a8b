"""PyTorch profiles: recorded ones of two ranks, and one written by hand for what only a GPU leaves."""

import gzip
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusals import attempt, is_one_line

from simulator.errors import InputError
from simulator.trace import Category, Trace, breakdown, critical_path
from simulator.trace.checks import check
from simulator.trace.clocks import known_orders
from simulator.trace.importers import ImportOptions, read_measurements
from simulator.trace.messages import match_collectives

RECORDED = Path(__file__).parents[1] / "data" / "kineto"
#: Parameters of the recorded network: a convolution of 4 5×5 kernels, 2304 to 64, 64 to 10, each with its bias.
PARAMETERS = (4 * 25 + 4) + (2304 * 64 + 64) + (64 * 10 + 10)


def imported(*paths: Path, **options: Any) -> Trace:
    trace = read_measurements(list(paths), options=ImportOptions(**options))
    assert isinstance(trace, Trace)
    return trace


def rewritten(tmp_path: Path, change: Callable[[int, dict[str, Any]], None]) -> list[Path]:
    """The recorded files after a change to each document."""
    paths = []
    for rank in (0, 1):
        document = json.loads((RECORDED / f"gloo-rank{rank}.json").read_text())
        change(rank, document)
        paths.append(tmp_path / f"any name {rank}")
        paths[-1].write_text(json.dumps(document))
    return paths


@pytest.fixture(scope="module")
def recorded() -> Trace:
    return imported(RECORDED)


def test_two_recorded_ranks_become_one_possible_trace(recorded: Trace) -> None:
    assert [rank.index for rank in recorded.ranks] == [0, 1]
    assert check(recorded) == []
    assert {span.step for span in recorded.spans} == {0, 1}
    assert {lane.partition(" (")[0] for _, lane in recorded.lanes()} == {"compute", "copy", "network"}
    assert recorded.metadata["world_size"] == 2


def test_each_step_reduces_every_parameter_once_on_every_rank(recorded: Trace) -> None:
    carried: Counter[tuple[int, int]] = Counter()
    for span in recorded.spans:
        if span.name == "all_reduce":
            carried[span.rank, span.step] += int(span.bytes)
    assert set(carried.values()) == {4 * PARAMETERS}
    assert len(carried) == 4
    assert len(match_collectives(recorded)) == 4


def test_the_path_covers_the_duration_and_little_of_it_is_unexplained(recorded: Trace) -> None:
    parts = breakdown(recorded)
    assert math.fsum(parts.values()) == pytest.approx(recorded.duration)
    assert parts[Category.FORWARD_BACKWARD] > 0.3 * recorded.duration
    assert parts[Category.IDLE] < 0.15 * recorded.duration
    assert {piece.span.rank for piece in critical_path(recorded) if piece.span} == {0, 1}


def test_steps_last_as_long_as_the_profiler_says(recorded: Trace) -> None:
    events = json.loads((RECORDED / "gloo-rank0.json").read_text())["traceEvents"]
    said = [event["dur"] * 1e-6 for event in events if event["name"].startswith("ProfilerStep")]
    times = recorded.metadata["step_times_s"]
    assert isinstance(times, dict)
    assert times["0"] == pytest.approx(said, abs=1e-9)
    for step, seconds in enumerate(said):
        own = [s for s in recorded.spans if s.rank == 0 and s.step == step and s.lane == "compute"]
        assert max(span.end for span in own) - min(span.start for span in own) <= seconds * 1.001


def test_every_operation_can_be_kept() -> None:
    kept = imported(RECORDED, merge_gap=0.0)
    fused = imported(RECORDED)
    assert len(kept.spans) > 3 * len(fused.spans)
    assert check(kept) == []
    assert kept.duration == pytest.approx(fused.duration)


def test_compressed_files_read_the_same(recorded: Trace, tmp_path: Path) -> None:
    for path in RECORDED.glob("*.json"):
        (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert imported(tmp_path).spans == recorded.spans


def test_one_rank_alone_is_read_and_the_missing_one_is_said() -> None:
    alone = imported(RECORDED / "gloo-rank1.json")
    assert [rank.index for rank in alone.ranks] == [1]
    assert "1 of 2 ranks" in str(alone.metadata["notes"])
    assert min(span.start for span in alone.spans) == 0.0


@pytest.mark.parametrize("align", ["auto", "collectives", "steps"])
def test_clocks_of_other_hosts_are_aligned_by_what_ranks_share(recorded: Trace, tmp_path: Path, align: str) -> None:
    def elsewhere(rank: int, document: dict[str, Any]) -> None:
        document["host_name"] = f"node{rank}"
        for event in document["traceEvents"]:
            event["ts"] += rank * 3.7e6

    apart = imported(*rewritten(tmp_path, elsewhere), align=align)
    assert check(apart) == []
    assert all(order.end >= order.start for order in known_orders(apart))
    # Within the time of a collective of where the common clock has them.
    longest = max(span.duration for span in recorded.spans if span.name == "all_reduce")
    first = [
        min(s.start for s in t.spans if s.rank == 1) - min(s.start for s in t.spans if s.rank == 0)
        for t in (recorded, apart)
    ]
    assert first[1] == pytest.approx(first[0], abs=longest)
    assert "rank 1: shifted by -3.7 s" in str(apart.metadata["clocks"])
    assert "scatter by" in str(apart.metadata["clocks"])
    assert {rank.node for rank in apart.ranks} == {0, 1}
    assert breakdown(apart)[Category.NODE_NODE_PARAMETERS] > 0
    assert breakdown(recorded)[Category.NODE_NODE_PARAMETERS] == 0


def test_wrong_clocks_of_one_host_are_noticed_too(tmp_path: Path) -> None:
    def later(rank: int, document: dict[str, Any]) -> None:
        document["baseTimeNanoseconds"] += rank * 10**9

    assert "rank 1: shifted by -1 s" in str(imported(*rewritten(tmp_path, later)).metadata["clocks"])


def test_sizes_that_were_not_recorded_are_said_to_be_unknown(tmp_path: Path) -> None:
    def without_shapes(rank: int, document: dict[str, Any]) -> None:
        for event in document["traceEvents"]:
            event["args"] = {}

    trace = imported(*rewritten(tmp_path, without_shapes))
    assert sum(span.bytes for span in trace.spans) == 0
    assert "4 collectives of unknown size" in str(trace.metadata["notes"])
    assert "record_shapes" in str(trace.metadata["notes"])


def test_two_files_of_one_rank_are_refused(tmp_path: Path) -> None:
    same = rewritten(tmp_path, lambda rank, document: document["distributedInfo"].update(rank=1))
    with pytest.raises(InputError, match=r"any name 1: is of rank 1, and so is .*any name 0"):
        imported(*same)


def test_files_that_say_no_rank_are_numbered_in_order(tmp_path: Path) -> None:
    def alone(rank: int, document: dict[str, Any]) -> None:
        del document["distributedInfo"]

    assert [rank.index for rank in imported(*rewritten(tmp_path, alone)).ranks] == [0, 1]


def test_a_negative_duration_is_refused_or_left_out(tmp_path: Path) -> None:
    def damage(rank: int, document: dict[str, Any]) -> None:
        document["traceEvents"][9]["dur"] = -3.0

    paths = rewritten(tmp_path, damage)
    with pytest.raises(InputError, match=r"any name 0: traceEvents\[9\] \('.*'\): dur: negative duration -3 us"):
        imported(*paths)
    notes = imported(*paths, repair=True).metadata["notes"]
    assert "traceEvents[9]" in str(notes)
    assert "left out" in str(notes)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(share=st.floats(0, 1), mend=st.booleans())
def test_a_profile_cut_anywhere_is_refused_or_recovered(tmp_path: Path, share: float, mend: bool) -> None:
    text = (RECORDED / "gloo-rank0.json").read_text()
    path = tmp_path / "cut.json"
    path.write_text(text[: int(share * (len(text) - 1))])
    trace, refusal = attempt(lambda: imported(path, repair=mend))
    if trace is None:
        assert is_one_line(refusal, str(path))
    else:
        assert mend
        assert "complete events" in str(trace.metadata["notes"])


# A GPU's --------------------------------------------------------------------------------------------------------------


def gpu_profile(rank: int = 0) -> dict[str, Any]:
    """One step on a GPU: a batch is copied, two kernels compute, NCCL reduces, a kernel updates. Times in us."""
    events: list[dict[str, Any]] = []

    def event(kind: str, name: str, ts: float, dur: float, tid: int = 1, **args: Any) -> None:
        events.append({"ph": "X", "cat": kind, "name": name, "pid": 9, "tid": tid, "ts": ts, "dur": dur, "args": args})

    def launched(at: float, kind: str, name: str, ts: float, dur: float, stream: int, **args: Any) -> None:
        number = len(events)
        event("cuda_runtime", "cudaLaunchKernel", at, 3.0, correlation=number)
        event(kind, name, ts, dur, tid=stream, correlation=number, stream=stream, device=0, **args)

    event("user_annotation", "ProfilerStep#7", 0.0, 900.0)
    event("gpu_user_annotation", "ProfilerStep#7", 50.0, 1100.0, tid=7)
    event("user_annotation", "enumerate(DataLoader)#_MultiProcessingDataLoaderIter.__next__", 2.0, 20.0)
    launched(30.0, "gpu_memcpy", "Memcpy HtoD (Pinned -> Device)", 40.0, 100.0, 7, bytes=602112)
    launched(60.0, "kernel", "sgemm_128x64", 150.0, 200.0, 7)
    launched(80.0, "kernel", "relu_backward", 355.0, 100.0, 7)
    event("cpu_op", "record_param_comms", 100.0, 20.0, **{
        "Collective name": "allreduce", "In msg nelems": 25_000, "Out msg nelems": 25_000, "dtype": "Half",
        "Group size": 2,
    })  # fmt: skip
    launched(105.0, "kernel", "ncclDevKernel_AllReduce_Sum_f16_RING_LL(ncclDevComm*, unsigned long)", 460.0, 300.0, 20)
    event("user_annotation", "Optimizer.step#AdamW.step", 700.0, 100.0)
    launched(750.0, "kernel", "multi_tensor_apply_kernel", 770.0, 150.0, 7)
    return {
        "schemaVersion": 1,
        "deviceProperties": [{"id": n, "name": "H-Model 80GB"} for n in range(2)],
        "distributedInfo": {"backend": "nccl", "rank": rank, "world_size": 2},
        "traceEvents": events,
    }


def test_what_a_gpu_did_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "gpu.json"
    path.write_text(json.dumps(gpu_profile()))
    trace = imported(path)
    assert check(trace) == []
    found = {(span.lane, span.category, span.name): span for span in trace.spans}
    assert found.keys() == {
        ("host", Category.CPU_GPU_DATA, "load batch"),
        ("copy", Category.CPU_GPU_DATA, "load batch"),
        ("compute", Category.FORWARD_BACKWARD, "gradient"),
        ("network", Category.GPU_GPU_PARAMETERS, "all_reduce"),
        ("compute", Category.DEVICE_UPDATE, "update"),
    }
    assert found["copy", Category.CPU_GPU_DATA, "load batch"].bytes == 602112
    assert found["network", Category.GPU_GPU_PARAMETERS, "all_reduce"].bytes == 50_000
    assert found["network", Category.GPU_GPU_PARAMETERS, "all_reduce"].duration == pytest.approx(300e-6)
    assert found["compute", Category.FORWARD_BACKWARD, "gradient"].duration == pytest.approx(305e-6)
    assert trace.ranks[0].device == "H-Model 80GB"
    # The update was launched within the step, so it belongs to it although it ends after the host has gone on.
    assert found["compute", Category.DEVICE_UPDATE, "update"].step == 0
    parts = breakdown(trace)
    assert parts[Category.GPU_GPU_PARAMETERS] == pytest.approx(300e-6)
    assert parts[Category.DEVICE_UPDATE] == pytest.approx(150e-6)


def test_more_ranks_than_a_host_has_devices_are_on_several_nodes(tmp_path: Path) -> None:
    profile = gpu_profile()
    profile["distributedInfo"]["world_size"] = 16
    path = tmp_path / "gpu.json"
    path.write_text(json.dumps(profile))
    assert breakdown(imported(path))[Category.NODE_NODE_PARAMETERS] > 0


def test_sends_and_receives_name_their_peers_where_both_sides_are_there(tmp_path: Path) -> None:
    paths = []
    for rank, (name, key, start) in enumerate((("send", "Dst Rank", 500.0), ("recv", "Src Rank", 300.0))):
        profile = gpu_profile(rank)
        (kernel,) = [e for e in profile["traceEvents"] if e["name"].startswith("nccl")]
        kernel["name"] = "ncclDevKernel_SendRecv(ncclDevComm*)"
        kernel["args"] |= {"Collective name": name, key: 1 - rank}
        kernel |= {"ts": start, "dur": 760.0 - start}
        paths.append(tmp_path / f"{rank}.json")
        paths[-1].write_text(json.dumps(profile))
    trace = imported(*paths)
    assert {(s.name, s.rank, s.peer) for s in trace.spans if s.peer >= 0} == {
        ("send message", 0, 1),
        ("receive message", 1, 0),
    }
    alone = imported(paths[0])
    assert {span.peer for span in alone.spans} == {-1}
    assert "other side is in no file" in str(alone.metadata["notes"])


def test_a_profile_without_steps_is_one_step_and_says_so(tmp_path: Path) -> None:
    profile = gpu_profile()
    profile["traceEvents"] = [e for e in profile["traceEvents"] if not e["name"].startswith("ProfilerStep")]
    path = tmp_path / "gpu.json"
    path.write_text(json.dumps(profile))
    trace = imported(path)
    assert {span.step for span in trace.spans} == {0}
    assert "no ProfilerStep annotations" in str(trace.metadata["notes"])
