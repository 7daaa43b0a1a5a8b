"""Chrome traces of any program: rules decide what events mean; steps, ranks and messages are found by their names."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusals import attempt, is_one_line

from simulator.errors import InputError, UnknownNameError
from simulator.trace import Category, Trace, breakdown
from simulator.trace.checks import check
from simulator.trace.importers import ImportOptions, parse_rule, read_measurements


def interval(name: str, ts: float, dur: float, pid: int = 0, tid: int = 0, **args: Any) -> dict[str, Any]:
    return {"ph": "X", "name": name, "pid": pid, "tid": tid, "ts": ts, "dur": dur, "args": args}


#: Two ranks that each do a step: forward and backward within the step, then an all-reduce on another thread.
EVENTS: list[dict[str, Any]] = [
    {"ph": "M", "name": "process_name", "pid": 100, "args": {"name": "rank 0"}},
    {"ph": "M", "name": "process_name", "pid": 200, "args": {"name": "rank 1"}},
    *(
        event
        for pid, late in ((100, 0.0), (200, 500.0))
        for event in (
            interval("step 4", 0.0, 10_000.0 + late, pid),
            interval("forward", 100.0, 2_000.0 + late, pid),
            interval("conv1", 150.0, 500.0, pid),
            interval("backward", 2_100.0 + late, 3_900.0 - late, pid),
            interval("AllReduce", 6_000.0 + late, 3_000.0 - late, pid, 1, bytes=4096),
            interval("optimizer.step", 9_000.0, 800.0, pid),
        )
    ),
]


def imported(tmp_path: Path, events: Any, **options: Any) -> Trace:
    path = tmp_path / "events"
    path.write_text(json.dumps(events))
    trace = read_measurements(path, options=ImportOptions(**options))
    assert isinstance(trace, Trace)
    return trace


def test_known_words_become_parts_of_the_breakdown(tmp_path: Path) -> None:
    trace = imported(tmp_path, {"traceEvents": EVENTS})
    assert check(trace) == []
    assert [rank.index for rank in trace.ranks] == [0, 1]
    parts = breakdown(trace)
    assert parts[Category.FORWARD_BACKWARD] == pytest.approx(5.9e-3 - 0.5e-3 + 0.5e-3, rel=0.1)
    assert parts[Category.GPU_GPU_PARAMETERS] == pytest.approx(2.5e-3, rel=0.01)
    assert parts[Category.DEVICE_UPDATE] == pytest.approx(0.8e-3)
    assert sum(parts.values()) == pytest.approx(trace.duration)


def test_the_outermost_known_event_counts_once(tmp_path: Path) -> None:
    trace = imported(tmp_path, EVENTS)
    assert "conv1" not in {span.name for span in trace.spans}
    busy = sum(span.duration for span in trace.spans if span.rank == 0 and span.lane == "compute")
    assert busy == pytest.approx(5.9e-3 + 0.8e-3)


def test_pairs_of_begin_and_end_are_the_same_as_whole_events(tmp_path: Path) -> None:
    pairs = []
    for event in EVENTS:
        if event["ph"] == "X":
            pairs += [{**event, "ph": "B"}, {**event, "ph": "E", "ts": event["ts"] + event["dur"], "args": {}}]
        else:
            pairs.append(event)
    pairs.sort(key=lambda e: (e.get("ts", 0), e["ph"] == "B", -e.get("dur", 0)))
    assert imported(tmp_path, pairs).spans == imported(tmp_path, EVENTS).spans


def test_rules_of_the_user_come_first(tmp_path: Path) -> None:
    events = [interval("phase A", 0.0, 10.0), interval("phase B", 10.0, 20.0), interval("forward", 30.0, 5.0)]
    rules = tuple(map(parse_rule, ("phase a=host_update", "forward=idle", "B$=")))
    trace = imported(tmp_path, events, rules=rules)
    assert {(span.name, span.category) for span in trace.spans} == {("phase A", "host_update"), ("forward", "idle")}


def test_what_no_rule_knows_is_said(tmp_path: Path) -> None:
    trace = imported(tmp_path, [*EVENTS, interval("mystery", 50_000.0, 1.0, 100)])
    assert "mystery" in str(trace.metadata["notes"])
    with pytest.raises(InputError, match=r"no rule knows .*'mystery'.*--rule"):
        imported(tmp_path, [interval("mystery", 0.0, 1.0)])


def test_sends_and_receives_with_peers_are_messages(tmp_path: Path) -> None:
    events = [{"ph": "M", "name": "process_name", "pid": pid, "args": {"name": f"worker {pid}"}} for pid in (0, 1)] + [
        interval("compute", 0.0, 100.0, 0),
        interval("MPI_Send", 100.0, 50.0, 0, peer=1, bytes=512),
        interval("MPI_Recv", 10.0, 142.0, 1, peer=0, bytes=512),
    ]
    trace = imported(tmp_path, events)
    assert {(s.name, s.rank, s.peer, s.bytes) for s in trace.spans if s.peer >= 0} == {
        ("send message", 0, 1, 512.0),
        ("receive message", 1, 0, 512.0),
    }
    assert breakdown(trace)[Category.FORWARD_BACKWARD] == pytest.approx(100e-6)
    assert breakdown(trace)[Category.GPU_GPU_PARAMETERS] == pytest.approx(52e-6)


def test_processes_can_be_lanes_of_one_rank(tmp_path: Path) -> None:
    assert len(imported(tmp_path, EVENTS, processes="lanes").ranks) == 1
    with pytest.raises(UnknownNameError, match="processes"):
        imported(tmp_path, EVENTS, processes="threads")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"ph": "E", "name": "x", "pid": 1, "tid": 1, "ts": 4},
            r"events: traceEvents\[14\] \('x'\): ends .* never began",
        ),
        (
            {"ph": "B", "name": "x", "pid": 1, "tid": 1, "ts": 4},
            r"events: traceEvents\[14\] \('x'\): begins .* never ends",
        ),
        ({"ph": "X", "name": "x", "ts": "soon", "dur": 1}, r"traceEvents\[14\] \('x'\): ts: expected .*'soon'"),
        ({"ph": "X", "name": "x", "ts": 1}, r"traceEvents\[14\] \('x'\): dur: expected .*None"),
        ({"ph": "X", "name": "x", "ts": 1, "dur": -1}, r"traceEvents\[14\] \('x'\): dur: negative duration -1 us"),
        ({"ph": "X", "name": "x", "ts": float("nan"), "dur": 1}, r"traceEvents\[14\] \('x'\): ts: expected a finite"),
        ("text", r"traceEvents\[14\]: expected an object"),
    ],
    ids=["end-alone", "begin-alone", "text-time", "no-duration", "negative", "nan", "no-object"],
)
def test_a_bad_event_is_named_or_left_out_on_request(tmp_path: Path, event: Any, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        imported(tmp_path, [*EVENTS, event])
    trace = imported(tmp_path, [*EVENTS, event], repair=True)
    assert trace.spans == imported(tmp_path, EVENTS).spans
    assert "traceEvents[14]" in str(trace.metadata["notes"])


@pytest.mark.parametrize("text", ["no equals sign", "=forward_backward", "(=forward_backward", "x=forwards"])
def test_bad_rules_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="rule"):
        parse_rule(text)


JUNK = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=5) | st.just([{}])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data(), mend=st.booleans())
def test_any_value_replaced_is_read_or_refused(tmp_path: Path, data: st.DataObject, mend: bool) -> None:
    events: list[Any] = json.loads(json.dumps(EVENTS))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(events) - 1))
        if isinstance(events[place], dict):
            events[place][data.draw(st.sampled_from(["ph", "name", "pid", "tid", "ts", "dur", "args", "cat"]))] = (
                data.draw(JUNK)
            )
    trace, refusal = attempt(lambda: imported(tmp_path, events, repair=mend))
    if trace is None:
        assert is_one_line(refusal, "events")
    else:
        assert check(trace) == []
