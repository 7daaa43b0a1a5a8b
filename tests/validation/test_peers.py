"""The comparison with SimGrid: what the driver is told, what its failures become, and the comparison where it is."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from simulator.errors import InputError, RunError
from validation.peers import simgrid_process
from validation.peers.__main__ import main
from validation.peers.collectives import all_reduce_cases, all_reduce_job
from validation.peers.comparison import compare
from validation.peers.experiment import Case, Experiment, exchange, latest, whole
from validation.peers.findings import ALLOWED, findings, peer_cases
from validation.peers.flow_sets import flow_cases
from validation.peers.job import Costs, Job, simulate
from validation.peers.simgrid_process import CONFIGURATION, INTERPRETER_VARIABLE, SimGrid, find_simgrid
from validation.peers.star import BANDWIDTH, LATENCY
from validation.peers.training_jobs import training_cases
from validation.peers.translation import translate

DRIVER = Path(simgrid_process.__file__).with_name("simgrid_driver.py")


def some_cases() -> list[Case]:
    """One case of each kind: small all-reduces, eight workers, the first draw."""
    small = ("1 kB, 12 ranks", "27 MB, 8 ranks", "27 MB, 8 ranks on 2 hosts")
    all_reduces = [case for case in all_reduce_cases() if case.name.endswith(small)]
    training = [case for case in training_cases() if ", 8 workers, " in case.name]
    return all_reduces + training + [case for case in flow_cases() if case.name.endswith("draw 1")]


by_case = pytest.mark.parametrize("case", some_cases(), ids=lambda case: case.name.replace(", ", "-").replace(" ", "_"))

ONE_MESSAGE = Experiment(
    ("a", "b"),
    {"wire": (1e9, 1e-6)},
    [("a", "b", ("wire",))],
    [("a", [exchange([("a>b", 1000)], [])]), ("b", [exchange([], ["a>b"])])],
)


# What the driver is told -------------------------------------------------------------------------------------------


@by_case
def test_an_experiment_is_complete_and_survives_json(case: Case) -> None:
    """Every host, link, mailbox and lock that is used exists; every put meets a get; sizes are whole."""
    experiment, ours = case.prepare()
    told = json.loads(json.dumps(experiment.document(CONFIGURATION)))
    assert set(told) == {"config", "hosts", "links", "routes", "actors"}
    hosts, routes = set(told["hosts"]), {(source, target) for source, target, _ in told["routes"]}
    assert {link for _, _, path in told["routes"] for link in path} <= set(told["links"])
    puts, gets, names = Counter[str](), Counter[str](), Counter[str]()
    for host, steps in told["actors"]:
        assert host in hosts
        held: list[str] = []
        for kind, *rest in steps:
            if kind == "exchange":
                puts.update(mailbox for mailbox, _, _ in rest[0])
                names.update(name for _, _, name in rest[0])
                gets.update(rest[1])
                assert all(isinstance(size, int) and size > 0 for _, size, _ in rest[0])
            elif kind == "transfer":
                assert (rest[0], rest[1]) in routes
                assert isinstance(rest[2], int)
                names.update([rest[3]] if rest[3] is not None else [])
            elif kind == "lock":
                held.append(rest[0])
            elif kind == "unlock":
                held.remove(rest[0])
            else:
                assert kind == "sleep"
                assert rest[0] >= 0.0
        assert not held
    assert puts == gets
    assert names == {name: len(messages) for name, messages in ours.items()}


def test_bytes_put_are_those_that_the_executor_sends() -> None:
    """An all-reduce by ring among P ranks moves 2 (P - 1) times the array."""
    told = translate(all_reduce_job("ring", ranks=5, elements=1000))
    sizes = [size for _, steps in told.actors for step in steps for _, size, _ in step[1]]
    assert sum(sizes) == 2 * 4 * 1000 * 4


def test_operations_whose_order_depends_on_time_are_refused() -> None:
    def program(rank):
        yield rank.receive()

    job = Job([program], ["h"], [Costs()], workers=1, elements=1)
    with pytest.raises(ValueError, match=r"rank 0: cannot tell beforehand how Receive\(source=-1\) goes on"):
        translate(job)


def test_collectives_without_a_schedule_are_refused() -> None:
    def program(rank):
        yield rank.all_reduce(rank.replica())

    job = Job([program] * 2, ["g", "h"], [Costs()] * 2, workers=2, elements=1)
    with pytest.raises(ValueError, match="a job without schedules calls all_reduce"):
        translate(job)


def test_parts_of_bytes_are_refused() -> None:
    assert whole(3.0) == 3
    with pytest.raises(ValueError, match=r"expected whole bytes, got 2\.5$"):
        exchange([("a>b", 2.5)], [])


# Laying times over one another --------------------------------------------------------------------------------------


def test_a_difference_is_relative_to_the_time_a_message_takes() -> None:
    """Both arrive at about 100 s, so that the arrivals agree to 1e-5; of a message of 2 ms, 1 ms is a half."""
    found = compare({"a": [(99.999, 100.0)]}, {"a": [(99.999, 100.001)]})
    assert found.difference == pytest.approx(0.5)
    assert (found.predicted, found.measured, found.messages) == (100.0, 100.001, 1)


def test_messages_of_one_name_are_matched_as_they_started() -> None:
    assert compare({"a": [(2.0, 3.0), (0.0, 1.0)]}, {"a": [(0.0, 1.0), (2.0, 3.0)]}).difference == 0.0


@pytest.mark.parametrize("theirs", [{}, {"a": []}, {"a": [(0.0, 1.0)] * 2}, {"b": [(0.0, 1.0)]}])
def test_other_messages_are_no_answer(theirs) -> None:
    with pytest.raises(RunError, match=r"messages [ab]: \d here and \d there"):
        compare({"a": [(0.0, 1.0)]}, theirs)


# A peer that answers what a test says -------------------------------------------------------------------------------


def peer(folder: Path, answer: str, version: str = '{"simgrid": "9.9", "python": "3"}') -> str:
    """Path of an interpreter that prints `version` when asked for it, and else runs the Python in `answer`."""
    script = folder / "python-with-simgrid"
    told = f"print({version!r}) if sys.argv[2:] == ['--version'] else exec({answer!r})"
    script.write_text(f"#!{sys.executable} -S\nimport json, os, sys, time\n{told}\n", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def case_of_one_message(seconds: float = 2e-6) -> Case:
    return Case("Made", "one message", lambda: (ONE_MESSAGE, {"a>b": [(0.0, seconds)]}))


def saying(text: str) -> str:
    return f"sys.stdout.write({text!r})"


def test_equal_times_pass(tmp_path: Path) -> None:
    answer = saying('{"messages": {"a>b": [[0.0, 2e-6]]}}')
    found = findings(interpreter=peer(tmp_path, answer), cases=[case_of_one_message()])
    assert found.passed
    assert "with SimGrid 9.9" in found.introduction
    assert [verdict.value for verdict in found.verdicts] == [0.0]


def test_times_beyond_the_allowed_difference_fail(tmp_path: Path) -> None:
    answer = saying('{"messages": {"a>b": [[0.0, 2e-6]]}}')
    found = findings(interpreter=peer(tmp_path, answer), cases=[case_of_one_message(2e-6 * (1 + 2 * ALLOWED))])
    assert not found.checks[0].passed
    assert not found.verdicts[0].passed


def test_what_differs_on_purpose_is_shown_and_not_judged(tmp_path: Path) -> None:
    answer = saying('{"messages": {"a>b": [[0.0, 1e-6]]}}')
    case = Case("Made", "one message", lambda: (ONE_MESSAGE, {"a>b": [(0.0, 2e-6)]}), judged=False)
    found = findings(interpreter=peer(tmp_path, answer), cases=[case])
    assert found.passed
    assert found.verdicts == []
    assert (found.checks[0].predicted, found.checks[0].measured, found.checks[0].passed) == (2e-6, 1e-6, None)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (saying(""), r"SimGrid's driver answered something else than times: ''"),
        (saying('{"messages": {"a>b": [[0.0'), r"SimGrid's driver answered something else than times: .*a>b"),
        (saying("[1, 2]"), r"SimGrid's driver answered something else than times: '\[1, 2\]'"),
        (saying('{"messages": {"a>b": [[0.0]]}}'), r"SimGrid's driver answered something else than times"),
        (saying('{"messages": {"a>b": [0.0, 1.0]}}'), r"SimGrid's driver answered something else than times"),
        (saying('{"messages": {"a>b": [[0.0, NaN]]}}'), r"SimGrid's driver gave no time to message a>b"),
        (saying('{"messages": {}}'), r"messages a>b: 1 here and 0 there"),
        ("sys.exit(4)", r"SimGrid failed with exit code 4: it said nothing"),
        ("1 / 0", r"SimGrid failed with exit code 1: ZeroDivisionError: division by zero"),
        (
            "print('[0.0] ./a.cpp:718: [ker/CRITICAL] Oops! Deadlock', file=sys.stderr); os.abort()",
            r"SimGrid failed with signal 6: Oops! Deadlock",
        ),
    ],
    ids=["nothing", "cut short", "list", "one time", "flat", "nan", "no message", "exit", "exception", "abort"],
)
def test_a_wrong_answer_is_one_clear_line(tmp_path: Path, answer: str, complaint: str) -> None:
    found = findings(interpreter=peer(tmp_path, answer), cases=[case_of_one_message()])
    assert not found.passed
    assert [verdict.passed for verdict in found.verdicts] == [False]
    (check,) = found.checks
    assert check.passed is False
    assert "\n" not in check.note
    with pytest.raises(AssertionError, match=complaint):
        raise AssertionError(check.note)


def test_a_peer_that_fails_again_and_again_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"SimGrid 9.9 at .* failed 3 times; SimGrid failed with exit code 4"):
        findings(interpreter=peer(tmp_path, "sys.exit(4)"), cases=[case_of_one_message()] * 5)


def test_a_peer_that_hangs_is_ended(tmp_path: Path) -> None:
    hanging = SimGrid(peer(tmp_path, "time.sleep(60)"), "9.9", limit=0.3)
    with pytest.raises(RunError, match=r"^SimGrid did not finish within 0.3 s$"):
        hanging.play(ONE_MESSAGE)


# Where there is no SimGrid ------------------------------------------------------------------------------------------


def test_without_simgrid_findings_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(INTERPRETER_VARIABLE, raising=False)
    monkeypatch.setattr(simgrid_process, "_candidates", lambda: ["/no/such/python3"])
    found = findings()
    assert "apt install python3-simgrid" in found.missing
    assert INTERPRETER_VARIABLE in found.missing
    assert not found.checks


def test_an_interpreter_that_was_named_must_have_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(INTERPRETER_VARIABLE, "/no/such/python3")
    with pytest.raises(
        InputError, match=r"^/no/such/python3: expected a Python interpreter that has SimGrid: cannot run"
    ):
        find_simgrid()
    other = peer(tmp_path, "", version="hello")
    with pytest.raises(InputError, match=r"it answered 'hello\\n' when asked for the version$"):
        find_simgrid(other)


def test_the_driver_says_that_there_is_no_simgrid() -> None:
    """In an interpreter without site packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(DRIVER), "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "No module named 'simgrid'" in done.stderr


def test_the_command_prints_one_line_and_exits_2_without_simgrid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--python", "/no/such/python3"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1


# Against SimGrid itself ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simgrid() -> SimGrid:
    found = find_simgrid()
    if found is None:
        pytest.skip("no interpreter with SimGrid here (Debian: apt install python3-simgrid)")
    return found


@by_case
def test_every_message_starts_and_arrives_when_simgrid_says(case: Case, simgrid: SimGrid) -> None:
    experiment, ours = case.prepare()
    found = compare(ours, simgrid.play(experiment))
    assert found.messages > 0
    assert found.difference <= ALLOWED


def test_a_message_takes_latency_and_bytes_over_bandwidth_there(simgrid: SimGrid) -> None:
    assert simgrid.play(ONE_MESSAGE)["a>b"] == [(0.0, pytest.approx(2e-6, rel=1e-12))]


def test_contention_is_what_the_comparison_sees(simgrid: SimGrid) -> None:
    """Messages timed as if they were alone on their links are told from SimGrid's."""
    job = all_reduce_job("recursive-doubling", ranks=8, elements=6_750_000, ranks_per_host=4)
    theirs = simgrid.play(translate(job))
    alone = {
        name: [(start, start + 2 * LATENCY + 27e6 / BANDWIDTH) for start, _ in messages]
        for name, messages in simulate(job).items()
    }
    assert compare(simulate(job), theirs).difference <= ALLOWED
    assert compare(alone, theirs).difference > 0.5


def test_simgrids_complaint_about_an_actor_is_one_line(simgrid: SimGrid) -> None:
    waiting = Experiment(("a",), {}, [], [("a", [exchange([], ["nobody>a"])])])
    with pytest.raises(RunError, match=r"^SimGrid failed with exit code 1: .*Deadlock"):
        simgrid.play(waiting)
    jumping = Experiment(("a",), {}, [], [("a", [("jump",)])])
    with pytest.raises(RunError, match=r"^SimGrid failed with signal 6: .*unknown kind 'jump'$"):
        simgrid.play(jumping)


@pytest.mark.slow
def test_the_whole_comparison_passes(simgrid: SimGrid) -> None:
    found = findings(interpreter=simgrid.python)
    assert found.passed
    assert len(found.checks) == len(peer_cases())
    assert {verdict.section for verdict in found.verdicts} == {"All-reduce", "Parameter server", "Random flows"}


def test_the_last_arrival_of_nothing_is_at_once() -> None:
    assert latest({}) == 0.0
