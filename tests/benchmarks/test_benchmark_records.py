"""Records of benchmarks: what is concluded from them, and what a change between two of them is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.changes import changes
from benchmarks.growth import exponent
from benchmarks.record import SCHEMA, Calibration, Record, Row, Timing, read_record, write_record
from benchmarks.table import notes
from simulator.errors import InputError

HERE = {"cores": 2, "processor": "a", "memory_gib": 8, "system": "Linux", "python": "3.11"}


def timing(*seconds: float, end: float = 1.0, difference: float = 0.0, peak: int = 100) -> Timing:
    return Timing(wall_s=seconds, cpu_s=seconds, peak_bytes=peak, end_s=end, difference=difference)


def record(*rows: Row, speed: float = 1e6, machine: dict[str, object] = HERE) -> Record:
    return Record(
        schema=SCHEMA,
        date="2026-01-01 00:00",
        commit="abc",
        machine=machine,
        load=(0.0, 0.0),
        simgrid=None,
        calibration=Calibration(events_per_s=(speed,)),
        rows=rows,
    )


def test_the_quicker_of_the_peers_that_agree_is_compared_with():
    peers = {"Full": timing(4.0), "Lazy": timing(2.0), "Wrong": timing(1.0, difference=1e-3)}
    row = Row(group="W1", name="x", ours=timing(0.5, 0.4), peers=peers, least_ratio=5.0)
    assert row.peer == ("Lazy", peers["Lazy"])
    assert row.ratio == pytest.approx(5.0)
    assert (row.met, row.disagreements) == (True, [])


def test_a_peer_that_gives_other_times_is_no_peer():
    row = Row(group="W1", name="x", ours=timing(1.0), peers={"Full": timing(9.0, difference=1e-3)}, least_ratio=2.0)
    assert (row.ratio, row.met) == (None, None)
    assert row.disagreements == ["W1 x: 1.0e-03 off SimGrid"]
    assert "TIMES DIFFER: W1 x: 1.0e-03 off SimGrid" in notes(record(row))


def test_of_chaotic_work_about_the_same_is_enough():
    row = Row(group="W2", name="x", chaotic=True, ours=timing(1.0), peers={"Full": timing(3.0, difference=0.02)})
    assert (row.ratio, row.disagreements) == (3.0, [])
    other = row.model_copy(update={"peers": {"Full": timing(3.0, difference=0.5)}})
    assert (other.ratio, len(other.disagreements)) == (None, 1)


def test_without_a_peer_a_figure_is_compared_with():
    row = Row(group="W1", name="x", ours=timing(1.0), figure_s=13.0, least_ratio=20.0)
    assert (row.ratio, row.met) == (13.0, False)


@pytest.mark.parametrize(
    ("bounds", "met"),
    [
        ({"most_wall_s": 2.0, "most_bytes": 200.0}, True),
        ({"most_wall_s": 0.5, "most_bytes": 200.0}, False),
        ({"most_wall_s": 2.0, "most_bytes": 50.0}, False),
        ({}, None),
    ],
    ids=["both", "too slow", "too large", "nothing asked"],
)
def test_bounds_of_time_and_memory_both_count(bounds, met):
    assert Row(group="W5", name="x", ours=timing(1.0), **bounds).met is met


@pytest.mark.parametrize(
    "row",
    [
        Row(group="W1", name="x", ours=timing(1.0, end=1.0), closed_form_s=1.0 + 1e-6),
        Row(group="W1", name="x", ours=timing(1.0), exact=timing(1.0, difference=1e-6)),
    ],
    ids=["closed form", "exact"],
)
def test_times_that_must_be_equal_are_looked_at(row):
    assert len(row.disagreements) == 1


def test_a_record_survives_its_file(tmp_path):
    row = Row(group="W1", name="x", ours=timing(1.0, 2.0), peers={"Full": timing(3.0)}, notes=("late",))
    write_record(record(row), tmp_path / "r.json")
    assert read_record(tmp_path / "r.json") == record(row)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("", "expected a record of benchmarks"),
        ("[]", "expected a record of benchmarks"),
        ('{"schema": "clustersim/benchmarks/9"}', r"schema: expected a record of benchmarks"),
        (b"\xff\xfe", "it is not text"),
    ],
    ids=["missing", "empty", "list", "other schema", "binary"],
)
def test_what_is_no_record_is_refused_in_a_line(tmp_path, text, said):
    path = tmp_path / "r.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=said) as caught:
        read_record(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


# Changes -----------------------------------------------------------------------------------------------------------


def one_row(*seconds: float) -> Row:
    return Row(group="W1", name="x", ours=timing(*seconds))


def verdicts(old: Record, new: Record) -> list[str]:
    return [change.verdict for change in changes(old, new)]


@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_what_is_slower_one_way_is_faster_the_other(before, after):
    old, new = record(one_row(before, before)), record(one_row(after, after))
    opposite = {"slower": "faster", "faster": "slower", "": ""}
    assert verdicts(new, old) == [opposite[verdict] for verdict in verdicts(old, new)]
    assert (verdicts(old, new) == [""]) == (max(before / after, after / before) <= 1.05)


def test_repeats_that_differ_hide_a_change():
    assert verdicts(record(one_row(1.0, 1.0, 1.0)), record(one_row(1.2, 1.2, 1.2))) == ["slower"]
    assert verdicts(record(one_row(1.0, 1.2, 1.2)), record(one_row(1.2, 1.2, 1.2))) == [""]
    assert verdicts(record(one_row(1.0)), record(one_row(1.2))) == [""], "a run that was not repeated may be anything"


def test_between_machines_times_count_in_units_of_bare_simpy():
    """Half as fast a machine takes twice as long: no change; the same time there is an improvement."""
    slow = {**HERE, "processor": "b"}
    old = record(one_row(1.0, 1.0), speed=2e6)
    assert verdicts(old, record(one_row(2.0, 2.0), speed=1e6, machine=slow)) == [""]
    assert verdicts(old, record(one_row(1.0, 1.0), speed=1e6, machine=slow)) == ["faster"]
    assert verdicts(old, record(one_row(2.0, 2.0), speed=1e6)) == ["slower"], "on the same machine times are times"


def test_only_what_both_records_have_is_compared_and_other_simulated_times_are_told():
    other = Row(group="W2", name="y", ours=timing(1.0))
    changed = Row(group="W1", name="x", ours=timing(1.0, end=2.0), exact=timing(1.0))
    found = list(changes(record(one_row(1.0), other), record(changed)))
    assert [(change.key, change.way, change.times_differ) for change in found] == [("W1 x", "ours", True)]


# Growth ------------------------------------------------------------------------------------------------------------


@given(st.floats(-1.0, 3.0), st.floats(1e-6, 1e3))
def test_the_exponent_of_a_power_law_is_found_whatever_small_sizes_do(power, factor):
    sizes = [10, 20, 100, 200, 500, 1000]
    seconds = {size: factor * size**power if size >= 100 else 7.0 for size in sizes}
    assert exponent(seconds) == pytest.approx(power, abs=1e-6)


def test_one_size_has_no_exponent():
    assert exponent({10: 1.0}) is None
