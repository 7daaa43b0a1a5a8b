"""Chrome/Perfetto JSON: what is written is a valid trace-event file, and reads back as the same trace."""

import json
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.trace import NO_CAUSE, Category, RankInfo, Span, Trace
from simulator.trace.chrome import read_trace, write_trace


@pytest.fixture
def trace() -> Trace:
    made = Trace(
        (RankInfo(0, "worker", "n0.gpu0", "m40", 0), RankInfo(1, "master", "n0.cpu", "xeon-2s", 0)), metadata={"a": 1}
    )
    made.add(Span(0, "compute", Category.FORWARD_BACKWARD, "gradient", 0.0, 1 / 3, 0.0, 0, -1, NO_CAUSE))
    category = Category.CPU_GPU_PARAMETERS
    made.add(Span(0, "network", category, "send replica", 1 / 3, 0.5, 1724320.0, 0, 1, 0))
    made.add(Span(1, "network", category, "receive replica", 1 / 3, 0.5, 1724320.0, 0, 0, 0))
    return made


def test_reading_gives_back_what_was_written(trace: Trace, tmp_path: Path) -> None:
    write_trace(trace, tmp_path / "t.json")
    back = read_trace(tmp_path / "t.json")
    assert back.spans == trace.spans
    assert back.ranks == trace.ranks
    assert back.metadata == trace.metadata


def test_events_follow_the_trace_event_format(trace: Trace, tmp_path: Path) -> None:
    write_trace(trace, tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    spans = [e for e in events if e["ph"] == "X"]
    assert len(spans) == 3
    assert spans[0]["dur"] == pytest.approx(1e6 / 3)
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert {names[e["pid"], e["tid"]] for e in spans} == {"compute", "network"}
    starts, ends = ([e for e in events if e["ph"] == phase] for phase in "sf")
    assert [e["id"] for e in starts] == [e["id"] for e in ends]
    assert (starts[0]["pid"], ends[0]["pid"]) == (0, 1)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda text: text[: len(text) // 2], "truncated"),
        (lambda text: text.replace("clustersim/trace/1", "other"), "otherData.schema"),
        (lambda text: "[1, 2]", "otherData.schema"),
        (lambda text: text.replace('"end_s": 0.5', '"end_s": 0.1'), "starts at"),
        (lambda text: text.replace('"pid": 1, "tid": 3, "ts"', '"pid": 7, "tid": 3, "ts"'), "not a complete trace"),
        (lambda text: text.replace('"cause": 0', '"cause": 99'), "not an earlier span"),
        (lambda text: text.replace('"start_s"', '"begin"'), "start_s"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name_and_reason(trace: Trace, tmp_path: Path, damage, expected) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "t.json"
    write_trace(trace, path)
    before = path.read_text()
    path.write_text(damage(before))
    assert path.read_text() != before
    with pytest.raises(InputError, match=expected) as error:
        read_trace(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_trace(tmp_path / "none.json")
