"""Traces that cannot be true: each problem is named with its event, and repair leaves none or refuses."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusals import attempt, is_one_line

import simulator
from simulator.errors import InputError
from simulator.trace import NO_CAUSE, Category, RankInfo, Span, Trace, breakdown
from simulator.trace.checks import ProblemKind, check, refuse_problems, repair
from simulator.trace.chrome import read_trace, write_trace
from simulator.trace.importers import ImportOptions, read_measurements

RANKS = tuple(RankInfo(i, "worker", f"cpu{i}", "any", 0) for i in range(2))
COMPUTE, NETWORK = Category.FORWARD_BACKWARD, Category.NODE_NODE_PARAMETERS


def good() -> list[Span]:
    """Two ranks that compute, exchange a message each way, and compute again."""
    return [
        Span(0, "compute", COMPUTE, "gradient", 0.0, 1.0, 0.0, 0, -1, NO_CAUSE),
        Span(1, "compute", COMPUTE, "gradient", 0.0, 1.5, 0.0, 0, -1, NO_CAUSE),
        Span(0, "network", NETWORK, "send total", 1.5, 2.0, 64.0, 0, 1, 1),
        Span(1, "network", NETWORK, "receive total", 1.5, 2.0, 64.0, 0, 0, 1),
        Span(1, "network", NETWORK, "send total", 2.0, 2.5, 64.0, 0, 0, 3),
        Span(0, "network", NETWORK, "receive total", 2.0, 2.5, 64.0, 0, 1, 3),
        Span(0, "compute", COMPUTE, "gradient", 2.5, 3.0, 0.0, 1, -1, 5),
    ]


def trace_of(spans: list[Span]) -> Trace:
    return Trace(RANKS, spans)


def changed(index: int, **values: object) -> list[Span]:
    spans = good()
    spans[index] = spans[index]._replace(**values)  # type: ignore[arg-type]
    return spans


#: name: (spans, kind of the problem, index of its span, what the message says)
BROKEN = {
    "not-a-number": (changed(2, end=math.nan), ProblemKind.TIME, 2, "1.5 to nan s; expected numbers"),
    "infinite": (changed(6, end=math.inf), ProblemKind.TIME, 6, "inf"),
    "negative-duration": (changed(6, end=2.0), ProblemKind.TIME, 6, "ends at 2 s but starts at 2.5 s"),
    "unknown-rank": (changed(6, rank=7), ProblemKind.RANK, 6, "rank 7 is not among"),
    "negative-size": (changed(2, bytes=-1.0), ProblemKind.SIZE, 2, "-1.0 bytes"),
    "category": (changed(6, category="magic"), ProblemKind.CATEGORY, 6, "unknown category 'magic'"),
    "before-start": (changed(0, start=-0.5), ProblemKind.BEFORE_START, 0, "starts at -0.5 s"),
    "receive-before-send": (changed(3, start=1.2, end=1.4), ProblemKind.CLOCK, 3, "ends at 1.4 s, before span 2"),
    "overlap": (changed(6, start=0.5), ProblemKind.OVERLAP, 6, "begins on lane 'compute' at 0.5 s, before span 0"),
    "receive-alone": (good()[:2] + good()[3:4], ProblemKind.PARTNER, 2, "its sender, rank 0, has no send"),
    "send-alone": (good()[:3], ProblemKind.PARTNER, 2, "its receiver, rank 1, has no receive"),
    "unequal-sizes": (changed(3, bytes=32.0), ProblemKind.UNEQUAL, 3, "32 bytes, but span 2"),
    "later-cause": (changed(2, cause=5), ProblemKind.CAUSE, 2, "cause 5 is not an earlier span"),
    "cause-ends-later": (changed(2, end=1.2, start=1.1), ProblemKind.CAUSE, 2, "ends after it"),
    "reordered": ([*good()[:2], good()[6]._replace(cause=-1), *good()[2:6]], ProblemKind.ORDER, 3, "stands behind"),
}


def test_a_possible_trace_has_no_problems_and_is_not_touched() -> None:
    trace = trace_of(good())
    assert check(trace) == []
    assert repair(trace) == (trace, [])
    refuse_problems(trace, "file")


@pytest.mark.parametrize("algorithm", ["sync-easgd3", "async-easgd", "ddp-msgd", "hogwild-sgd", "power-sgd", "ssp"])
def test_simulated_runs_have_no_problems(algorithm: str) -> None:
    scenario = simulator.load("m40x4-lenet", **{"workload.steps": 12, "algorithm.name": algorithm})
    assert check(simulator.simulate(scenario).trace) == []


@pytest.mark.parametrize("name", BROKEN)
def test_the_problem_is_named_with_its_event_and_repaired(name: str) -> None:
    spans, kind, index, text = BROKEN[name]
    trace = trace_of(spans)
    found = [problem for problem in check(trace) if problem.kind is kind]
    assert [problem.span for problem in found][:1] == [index]
    assert text in found[0].text
    assert f"span {index} (" in found[0].text
    with pytest.raises(InputError, match=r"^file: span \d") as error:
        refuse_problems(trace, "file")
    assert "\n" not in str(error.value)
    assert "--repair" in str(error.value)
    mended, notes = repair(trace)
    assert check(mended) == []
    assert any(text in note for note in notes)


def test_a_span_without_a_time_is_left_out_and_nothing_else_is() -> None:
    mended, notes = repair(trace_of(changed(6, end=math.nan)))
    assert [s._replace(cause=0) for s in mended.spans] == [s._replace(cause=0) for s in good()[:6]]
    assert notes[0].endswith("left out")


def test_a_half_message_keeps_its_time() -> None:
    mended, _ = repair(trace_of(good()[:3]))
    assert mended.duration == 2.0
    assert breakdown(mended)[NETWORK] == 0.5
    assert mended.spans[-1].peer == -1


def test_the_message_that_is_missing_is_found_among_many() -> None:
    spans = [
        Span(rank, "network", NETWORK, f"{side} total", float(n), n + 0.5, 8.0, n // 4, 1 - rank, NO_CAUSE)
        for n in range(20)
        for rank, side in ((0, "send"), (1, "receive"))
    ]
    lost = spans.pop(2 * 7)
    problems = check(trace_of(spans))
    assert [(p.kind, p.span) for p in problems] == [(ProblemKind.PARTNER, 14)]
    assert spans[14].start == lost.start


def test_a_shifted_rank_is_shifted_back() -> None:
    shifted = [s._replace(start=s.start + 100.0, end=s.end + 100.0) if s.rank == 1 else s for s in good()]
    mended, notes = repair(trace_of(shifted))
    assert any("clocks shifted" in note for note in notes)
    assert any("rank 1: clock 100 s ahead of rank 0's" in note for note in notes)
    assert mended.duration == pytest.approx(3.0)


def test_clocks_that_no_shift_puts_in_order_are_refused() -> None:
    spans = changed(3, start=0.2, end=0.4)
    spans[5] = spans[5]._replace(start=0.1, end=0.2)
    with pytest.raises(InputError, match="contradicts"):
        repair(trace_of(spans))


def test_nothing_left_is_refused() -> None:
    with pytest.raises(InputError, match="no span of the trace is left"):
        repair(trace_of([good()[0]._replace(end=math.nan)]))


TIMES = st.floats(-10, 10) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e300])


@settings(max_examples=200)
@given(st.data())
def test_whatever_is_broken_repair_leaves_nothing_wrong_or_refuses(data: st.DataObject) -> None:
    spans = good()
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(spans) - 1))
        kind = data.draw(st.sampled_from(["drop", "move", "start", "end", "rank", "peer", "bytes", "cause", "name"]))
        if kind == "drop" and len(spans) > 1:
            del spans[index]
        elif kind == "move":
            spans.insert(data.draw(st.integers(0, len(spans) - 1)), spans.pop(index))
        elif kind in ("start", "end", "bytes"):
            spans[index] = spans[index]._replace(**{kind: data.draw(TIMES)})
        elif kind in ("rank", "peer", "cause"):
            spans[index] = spans[index]._replace(**{kind: data.draw(st.integers(-3, 9))})
        else:
            spans[index] = spans[index]._replace(name=data.draw(st.sampled_from(["send x", "receive", "all_reduce"])))
    trace = trace_of(spans)
    done, refusal = attempt(lambda: repair(trace))
    if done is None:
        assert is_one_line(refusal)
        return
    mended, notes = done
    assert check(mended) == []
    assert bool(notes) == bool(check(trace))
    assert len(mended.spans) <= len(spans)
    assert math.fsum(breakdown(mended).values()) == pytest.approx(mended.duration, rel=1e-9, abs=1e-12)


# Through a file -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("trace") / "good.json"
    write_trace(trace_of(good()), path)
    return path.read_text()


def read(path: Path, content: str, mend: bool) -> Trace | None:
    """What is read, None if it was refused; anything but an InputError of one line fails the test."""
    path.write_text(content)
    loaded, refusal = attempt(lambda: read_measurements(path, options=ImportOptions(repair=mend)))
    if loaded is None:
        assert is_one_line(refusal, str(path))
        return None
    assert isinstance(loaded, Trace)
    assert check(loaded) == []
    return loaded


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data(), mend=st.booleans())
def test_a_file_cut_at_any_byte_is_refused_or_recovered(
    text: str, tmp_path: Path, data: st.DataObject, mend: bool
) -> None:
    cut = data.draw(st.integers(0, len(text) - 1))
    loaded = read(tmp_path / "t.json", text[:cut], mend)
    if loaded is None:
        return
    assert mend
    assert len(loaded.spans) <= text[:cut].count('"ph": "X"')
    assert "complete events" in str(loaded.metadata["repairs"])


JUNK = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=5) | st.just([{}])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data(), mend=st.booleans())
def test_a_file_with_any_value_replaced_or_removed_is_refused_or_read(
    text: str, tmp_path: Path, data: st.DataObject, mend: bool
) -> None:
    document = json.loads(text)
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 3)) == 0:
            break
        place = place[key]
    if data.draw(st.booleans()):
        place[key] = data.draw(JUNK)
    else:
        del place[key]
    read(tmp_path / "t.json", json.dumps(document), mend)


def test_what_a_cut_took_is_said(text: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(text[: text.rindex('"ph": "X"') - 3])
    with pytest.raises(InputError, match=r"t\.json: .*truncated"):
        read_trace(path)
    loaded = read_trace(path, recover=True)
    assert [s[:8] for s in loaded.spans] == [s[:8] for s in good()[: len(loaded.spans)]]
    assert len(loaded.spans) == 6
    assert "complete events before it were kept, whatever came after them is lost" in str(loaded.metadata["repairs"])
