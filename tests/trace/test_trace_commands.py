"""``clustersim trace`` and ``clustersim import`` on other programs' files: what is printed where, what is refused."""

import json
from pathlib import Path

import pytest

from simulator.cli import main
from simulator.trace.chrome import read_trace

RECORDED = Path(__file__).parents[1] / "data" / "kineto"
PROFILES = sorted(map(str, RECORDED.glob("*.json")))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return int(exit_.value.code or 0), printed.out, printed.err


def test_profiles_of_two_ranks_are_shown_as_one_trace(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "trace", *PROFILES, "--json", "-")
    assert code == 0
    shown = json.loads(out)
    assert sum(shown["breakdown_s"].values()) == pytest.approx(shown["time_s"])
    assert err.startswith("clock: ")


def test_an_imported_trace_is_a_trace_of_ours(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    code, out, _ = run(capsys, "import", RECORDED, "--out", path, "--batch-size", 32)
    assert code == 0
    assert out.startswith(f"{path}: a trace of 2 ranks, ")
    assert read_trace(path).metadata["batch_size"] == 32
    assert run(capsys, "trace", path)[0] == 0


def test_an_imported_table_can_be_imported_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("osu.txt", "a.csv", "b.csv"))
    first.write_text("# OSU MPI Allreduce Latency Test v5.9\n# Size  Avg Latency(us)\n4  4.00\n8  5.50\n")
    code, _, err = run(capsys, "import", first, "--out", second)
    assert code == 2
    assert "--ranks" in err
    assert run(capsys, "import", first, "--out", second, "--ranks", 4)[0] == 0
    assert run(capsys, "import", second, "--out", third)[:2] == (0, f"{third}: 2 measured times\n")
    assert second.read_text() == third.read_text()


def test_measured_times_are_no_trace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_text("devices,batch,step_time\n1,2,3\n")
    code, out, err = run(capsys, "trace", path)
    assert (code, out) == (2, "")
    assert "1 measured times, not a trace; see 'clustersim import'" in err


def test_a_cut_trace_is_refused_or_repaired_in_words(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.json", tmp_path / "cut.json"
    run(capsys, "import", RECORDED, "--out", whole)
    text = whole.read_text()
    cut.write_text(text[: len(text) * 2 // 3])
    code, out, err = run(capsys, "trace", cut)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "cut.json: not valid JSON" in err
    code, out, err = run(capsys, "trace", cut, "--repair")
    assert code == 0
    assert "repair: cut short at character" in err


def test_rules_and_alignment_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert "rule 'x'" in run(capsys, "trace", *PROFILES, "--rule", "x")[2]
    assert "way to align clocks 'step'; did you mean 'steps'?" in run(capsys, "trace", *PROFILES, "--align", "step")[2]
