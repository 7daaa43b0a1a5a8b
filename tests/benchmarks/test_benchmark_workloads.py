"""What the benchmarks time: the same work on both sides, that ends when formulas say."""

from __future__ import annotations

import json

import pytest

from benchmarks.cases import Case, cases, quick_cases, selected
from benchmarks.peers.figures import FIGURES
from benchmarks.peers.simgrid import SimGrid, find_simgrid
from benchmarks.record import AGREEMENT
from benchmarks.workloads import Outcome, restored, stored
from benchmarks.workloads.all_reduce import AllReduce
from benchmarks.workloads.flows import Flows
from benchmarks.workloads.server import Server
from simulator.errors import UnknownNameError
from validation.peers.job import simulate

MEGABYTE = 1_000_000

SMALL = [case for case in quick_cases() if case.group in ("W1", "W2", "W3", "W4")]
by_case = pytest.mark.parametrize("case", SMALL, ids=lambda case: case.key.replace(", ", "-").replace(" ", "_"))


def played(case: Case, exact: bool) -> Outcome:
    return case.workload.prepare(exact)()


@by_case
def test_it_ends_when_the_formula_says_and_without_shortcuts_at_the_same_time(case):
    usual, exact = played(case, False), played(case, True)
    assert usual.end == pytest.approx(exact.end, rel=1e-9)
    assert list(usual.ends) == pytest.approx(list(exact.ends), rel=1e-9)
    if (formula := case.workload.closed_form()) is not None:
        assert usual.end == pytest.approx(formula, rel=1e-9)


@pytest.mark.parametrize(
    ("workload", "seconds"),
    [
        (AllReduce("ring", 1024, 27 * MEGABYTE), 0.0074408928),
        (AllReduce("binomial-tree", 1024, 27 * MEGABYTE), 0.054020),
        (AllReduce("binomial-tree", 64, 27 * MEGABYTE, 300, 5.1), 1539.7236),
        (AllReduce("binomial-tree", 1024, 27 * MEGABYTE, 300, 5.1), 1546.206),
    ],
    ids=["ring", "tree", "steps-64", "steps-1024"],
)
def test_formulas_give_what_others_have_simulated(workload, seconds):
    assert workload.closed_form() == pytest.approx(seconds, rel=1e-9)


@pytest.mark.parametrize(
    "workload",
    [AllReduce("ring", 5, 4000), AllReduce("binomial-tree", 8, 4000, 3, 1.0), Server(3, 4000, 4, 0.1)],
    ids=["ring", "tree", "server"],
)
def test_messages_are_those_that_are_sent(workload):
    assert workload.messages == sum(map(len, simulate(workload.job()).values()))


def test_only_what_amplifies_rounding_is_called_chaotic():
    """A change in the thirteenth digit of the stagger is seen in the percents after 60 rounds, but not after ten."""

    def moved(workers: int, rounds: int) -> float:
        ends = [
            Server(workers, 27 * MEGABYTE, rounds, stagger).prepare(True)().end
            for stagger in (1e-3, 1e-3 * (1 + 1e-13))
        ]
        return abs(ends[0] / ends[1] - 1)

    assert Server(8, 27 * MEGABYTE, 60, 1e-3).chaotic
    assert moved(8, 60) > 1e-4
    for workers, rounds in ((8, 10), (4, 60)):
        assert not Server(workers, 27 * MEGABYTE, rounds, 1e-3).chaotic
        assert moved(workers, rounds) < 1e-9


def test_an_incast_is_served_in_the_order_of_its_sizes():
    """All get equal parts of one adapter, so the smaller is done before the larger."""
    ends = Flows("incast", 30).prepare(False)().ends
    assert ends == sorted(ends)
    assert len(set(ends)) == 30


@pytest.mark.parametrize("case", [*cases(), *quick_cases()], ids=lambda case: case.key.replace(" ", "_"))
def test_a_workload_survives_the_way_to_its_process(case):
    assert restored(json.loads(json.dumps(stored(case.workload)))) == case.workload


def test_cases_have_names_of_their_own_and_figures_belong_to_cases():
    keys = [case.key for case in cases()]
    assert len(set(keys)) == len(keys)
    assert {f"{group} {name}" for group, name in FIGURES} <= set(keys)


def test_cases_are_selected_by_workload_and_size():
    assert {case.group for case in selected(cases(), "W1,W4")} == {"W1", "W4"}
    assert [case.name for case in selected(cases(), "w1:ring, 27 MB, P = 64,W3:P = 64")] == [
        "ring, 27 MB, P = 64",
        "P = 64",
    ]
    assert selected(cases(), None) == list(cases())
    with pytest.raises(UnknownNameError, match=r"--only: unknown workload 'W9'"):
        selected(cases(), "W9")


# Beside SimGrid, where it is ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simgrid() -> SimGrid:
    found = find_simgrid()
    if found is None:
        pytest.skip("SimGrid's C++ interface is not installed")
    return found


@by_case
@pytest.mark.parametrize("update", ["Full", "Lazy"])
def test_simgrid_is_asked_for_the_same_work(simgrid, case, update):
    ours, theirs = played(case, False), simgrid.run(case.workload, update, 30.0)
    assert theirs.end == pytest.approx(ours.end, rel=AGREEMENT)
    if ours.ends:
        assert list(theirs.ends) == pytest.approx(list(ours.ends), rel=AGREEMENT)


def test_without_a_compiler_there_is_no_simgrid(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "false")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert find_simgrid() is None
