"""Outputs of NCCL-tests and OSU micro-benchmarks in their several forms; written after the tools' public formats."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusals import attempt, is_one_line

from simulator.calibration.observations import CollectiveTime, MessageTime, Observation
from simulator.errors import InputError
from simulator.trace.importers import ImportOptions, read_measurements

ALL_REDUCE = """\
# nThread 1 nGpus 1 minBytes 1048576 maxBytes 67108864 step: 8(factor) warmup iters: 5 iters: 20 validation: 1
#
# Using devices
#  Rank  0 Group  0 Pid   1201 on    nodeA device  0 [0x07] NVIDIA Model X
#  Rank  1 Group  0 Pid   1202 on    nodeA device  1 [0x0f] NVIDIA Model X
#  Rank  2 Group  0 Pid    881 on    nodeB device  0 [0x07] NVIDIA Model X
#  Rank  3 Group  0 Pid    882 on    nodeB device  1 [0x0f] NVIDIA Model X
#
#                                                              out-of-place                       in-place
#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
     1048576        262144     float     sum      -1   104.86   10.00   15.00      0   110.00    9.53   14.30      0
     8388608       2097152     float     sum      -1   419.43   20.00   30.00      0   421.00   19.93   29.89      0
    67108864      16777216     float     sum      -1   2684.4   25.00   37.50      0   2690.1   24.95   37.42      0
# Out of bounds values : 0 OK
# Avg bus bandwidth    : 27.3517
#
"""

OLD_ALL_REDUCE = """\
# nThread 1 nGpus 8 minBytes 8 maxBytes 134217728 step: 2(factor) warmup iters: 5 iters: 20 validation: 1
#
# Using devices
#   Rank  0 Pid  11 on nodeA device  0 [0x06] Model Y
#   Rank  1 Pid  11 on nodeA device  1 [0x07] Model Y
#
#                                                     out-of-place                       in-place
#       size         count    type   redop     time   algbw   busbw  error     time   algbw   busbw  error
#        (B)    (elements)                     (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
       65536         16384   float     sum    32.77    2.00    2.00  1e-07    31.10    2.11    2.11  1e-07
"""

OLD_ALL_GATHER = OLD_ALL_REDUCE.replace("redop", "     ").replace("sum", "   ").replace("2.00    2.00", "2.00    1.00")

OSU_LATENCY = """\
# OSU MPI Latency Test v5.6.2
# Size          Latency (us)
0                       1.05
8                       1.10
4096                    3.25
"""

OSU_BANDWIDTH = """\
# OSU MPI Bandwidth Test v7.2
# Datatype: MPI_CHAR.
# Size      Bandwidth (MB/s)
1024                 2048.00
1048576             10485.76
"""

OSU_ALL_REDUCE = """\

# OSU MPI Allreduce Latency Test v5.9
# Size       Avg Latency(us)   Min Latency(us)   Max Latency(us)  Iterations
4                       4.00              3.10              5.00        1000
1048576               900.50            880.00            910.00         100
"""


def read(tmp_path: Path, text: str, **options: Any) -> list[Observation]:
    path = tmp_path / "some output"
    path.write_text(text)
    found = read_measurements(path, options=ImportOptions(**options))
    assert isinstance(found, list)
    return found


def values(found: list[Observation]) -> list[tuple[Any, ...]]:
    """Observations without where they come from."""
    return [
        (each.kind, each.ranks, each.ranks_per_node, each.size, pytest.approx(each.seconds))
        if isinstance(each, CollectiveTime)
        else (each.size, pytest.approx(each.seconds))  # type: ignore[union-attr]
        for each in found
    ]


def test_all_reduce_rows_with_ranks_and_nodes_from_the_header(tmp_path: Path) -> None:
    found = read(tmp_path, ALL_REDUCE)
    assert values(found) == [
        ("all_reduce", 4, 2, 1048576, 104.86e-6),
        ("all_reduce", 4, 2, 8388608, 419.43e-6),
        ("all_reduce", 4, 2, 67108864, 2684.4e-6),
    ]
    assert found[0].where == f"{tmp_path / 'some output'}:12"


def test_times_agree_with_the_bandwidths_beside_them(tmp_path: Path) -> None:
    for each, bandwidth in zip(read(tmp_path, ALL_REDUCE), (10e9, 20e9, 25e9), strict=True):
        assert isinstance(each, CollectiveTime)
        assert each.size / each.seconds == pytest.approx(bandwidth, rel=1e-3)


def test_older_columns_are_understood(tmp_path: Path) -> None:
    assert values(read(tmp_path, OLD_ALL_REDUCE)) == [("all_reduce", 2, 2, 65536, 32.77e-6)]


@pytest.mark.parametrize(
    ("operator", "root", "ratio", "kind"),
    [
        ("sum", "-1", 1.5, "all_reduce"),
        ("sum", "-1", 0.75, "reduce_scatter"),
        ("sum", "0", 1.0, "reduce"),
        ("none", "0", 1.0, "broadcast"),
        ("none", "-1", 0.75, ""),
    ],
    ids=["all_reduce", "reduce_scatter", "reduce", "broadcast", "all_gather-or-all_to_all"],
)
def test_which_collective_follows_from_operator_root_and_bandwidths(
    tmp_path: Path, operator: str, root: str, ratio: float, kind: str
) -> None:
    head = ALL_REDUCE.partition("     1048576")[0]
    text = f"{head}     1048576  262144  float  {operator}  {root}  104.86  10.00  {10 * ratio:.2f}  0  9  9  9  0\n"
    if kind:
        assert {each.kind for each in read(tmp_path, text)} == {kind}  # type: ignore[union-attr]
    else:
        with pytest.raises(InputError, match=r"which collective.*--collective"):
            read(tmp_path, text)


def test_the_test_named_in_the_output_or_by_the_user_decides(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--collective"):
        read(tmp_path, OLD_ALL_GATHER)
    assert values(read(tmp_path, OLD_ALL_GATHER, collective="all_gather"))[0][0] == "all_gather"
    named = "# Collective test starting: all_gather_perf\n" + OLD_ALL_GATHER
    assert values(read(tmp_path, named))[0][0] == "all_gather"


def test_lines_with_labels_of_mpirun_are_understood(tmp_path: Path) -> None:
    labelled = "".join(f"[1,0]<stdout>:{line}\n" for line in ALL_REDUCE.splitlines())
    assert values(read(tmp_path, labelled)) == values(read(tmp_path, ALL_REDUCE))


def test_wrong_results_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"some output:13: 7 wrong values"):
        read(tmp_path, ALL_REDUCE.replace("30.00      0", "30.00      7"))


def test_a_cut_row_is_refused_or_left_out(tmp_path: Path) -> None:
    cut = ALL_REDUCE[: ALL_REDUCE.index("25.00")]
    with pytest.raises(InputError, match=r"some output:14: 6 cells; expected 13.*cut short"):
        read(tmp_path, cut)
    assert len(read(tmp_path, cut, repair=True)) == 2


def test_latencies_are_one_way_messages(tmp_path: Path) -> None:
    found = read(tmp_path, OSU_LATENCY)
    assert values(found) == [(0, 1.05e-6), (8, 1.1e-6), (4096, 3.25e-6)]
    assert {each.in_flight for each in found} == {1}  # type: ignore[union-attr]


def test_bandwidths_are_a_stream_of_messages(tmp_path: Path) -> None:
    found = read(tmp_path, OSU_BANDWIDTH)
    assert values(found) == [(1024, 0.5e-6), (1048576, 1e-4)]
    assert all(isinstance(each, MessageTime) and each.in_flight > 1 for each in found)
    both_ways = OSU_BANDWIDTH.replace("Bandwidth Test", "Bi-Directional Bandwidth Test")
    assert values(read(tmp_path, both_ways)) == [(1024, 1e-6), (1048576, 2e-4)]


def test_collectives_need_the_number_of_ranks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"some output:4: .*--ranks"):
        read(tmp_path, OSU_ALL_REDUCE)
    found = read(tmp_path, OSU_ALL_REDUCE, ranks=16, ranks_per_node=4)
    assert values(found) == [("all_reduce", 16, 4, 4, 4e-6), ("all_reduce", 16, 4, 1048576, 900.5e-6)]


@pytest.mark.parametrize(
    ("title", "kind", "times"),
    [
        ("Broadcast", "broadcast", 1),
        ("Reduce", "reduce", 1),
        ("Reduce_scatter", "reduce_scatter", 1),
        ("Allgather", "all_gather", 8),
        ("All-to-All Personalized Exchange", "all_to_all", 8),
        ("Scatter", "scatter", 8),
    ],
)
def test_sizes_mean_the_whole_buffer(tmp_path: Path, title: str, kind: str, times: int) -> None:
    found = read(tmp_path, OSU_ALL_REDUCE.replace("Allreduce", title), ranks=8)
    assert [(each.kind, each.size) for each in found] == [(kind, 4 * times), (kind, 1048576 * times)]  # type: ignore[union-attr]


def test_a_barrier_has_no_size(tmp_path: Path) -> None:
    text = "# OSU MPI Barrier Latency Test v5.9\n# Avg Latency(us)\n             12.50\n"
    assert values(read(tmp_path, text, ranks=4)) == [("barrier", 4, 0, 0, 12.5e-6)]


def test_an_unknown_benchmark_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Origami"):
        read(tmp_path, OSU_LATENCY.replace("Latency Test", "Origami Test"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.sampled_from([ALL_REDUCE, OLD_ALL_REDUCE, OSU_LATENCY, OSU_BANDWIDTH, OSU_ALL_REDUCE]),
    st.floats(0, 1),
    st.text(alphabet="0189.-eE# \nnaif:,x\x00", max_size=3),
    st.booleans(),
)
def test_any_change_is_read_or_refused_in_one_line(
    tmp_path: Path, text: str, place: float, inserted: str, mend: bool
) -> None:
    cut = int(place * len(text))
    for changed in (text[:cut], text[:cut] + inserted + text[cut:], text[:cut] + inserted + text[cut + 3 :]):
        found, refusal = attempt(lambda changed=changed: read(tmp_path, changed, repair=mend, ranks=2))
        if found is None:
            assert is_one_line(refusal, "some output")
        else:
            assert all(each.seconds >= 0 for each in found)
