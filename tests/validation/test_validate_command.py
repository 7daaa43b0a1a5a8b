"""``clustersim validate``: exit codes, what is skipped and what is refused, JSON, and where the output goes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from simulator import cli
from simulator.cli.validate import validate as validate_command
from simulator.errors import InputError, RunError
from validation.checks import Check, Findings, Progress, Verdict
from validation.command import validate
from validation.parts import PARTS, run_part, run_parts
from validation.rendering.document import SCHEMA

Found = Callable[[Path | None, Progress], Findings]


def quiet(what: str, share: float) -> None:
    pass


def good(part: str) -> Findings:
    check = Check("times", "one <row>", 1.05, 1.0, "s", allowed=0.1)
    return Findings(part, f"Part {part}", checks=[check], verdicts=[Verdict("times", "median error", 0.05, 0.1)])


def wrong(part: str) -> Findings:
    return Findings(part, f"Part {part}", checks=[Check("times", "row", 2.0, 1.0, "s", allowed=0.1)])


def missing(part: str) -> Findings:
    return Findings(part, f"Part {part}", missing=f"needs a cluster; ask for the data of {part}")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put made-up parts in the place of all; those that are not named are passed."""

    def put(**made: Callable[[str], Findings] | Exception) -> None:
        for part in PARTS:
            make = made.get(part, good)

            def findings(reference: Path | None, progress: Progress, part: str = part, make: object = make) -> Findings:
                progress("half", 0.5)
                if isinstance(make, Exception):
                    raise make
                return make(part)  # type: ignore[operator]

            monkeypatch.setitem(sys.modules, f"validation.{part}.findings", SimpleNamespace(findings=findings))

    return put


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            cli.main(["validate", *map(str, arguments)])
        output = capsys.readouterr()
        return caught.value.code, output.out, output.err  # type: ignore[return-value]

    return call


# Exit codes ----------------------------------------------------------------------------------------------------------


def test_what_is_within_the_allowed_error_passes(parts, run) -> None:
    parts()
    code, out, err = run("paper")
    assert (code, err) == (0, "")
    assert "passed" in out
    assert "one <row>" in out


@pytest.mark.parametrize("part", PARTS)
def test_a_wrong_prediction_of_any_part_is_exit_one(part: str, parts, run) -> None:
    parts(**{part: wrong})
    code, out, _ = run("all")
    assert code == 1
    assert out.count("FAILED") == 1
    assert run(part)[0] == 1


def test_a_verdict_that_is_missed_is_exit_one(parts, run) -> None:
    late = Verdict("times", "rank correlation", 0.5, 0.9, "at least", "")
    parts(paper=lambda part: Findings(part, "Paper", verdicts=[late]))
    assert run("paper")[0] == 1


def test_a_part_without_its_data_is_bad_input_alone_and_skipped_among_all(parts, run) -> None:
    parts(published=missing)
    code, out, err = run("published")
    assert (code, out) == (2, "")
    assert err == "clustersim: validate published: needs a cluster; ask for the data of published\n"
    code, out, _ = run("all")
    assert code == 0
    assert out.count("skipped") == 1
    assert "needs a cluster" in out


def test_skipping_does_not_hide_a_failure(parts, run) -> None:
    parts(published=missing, peers=wrong)
    assert run("all")[0] == 1


def test_all_parts_absent_is_bad_input_not_success(parts, run) -> None:
    parts(**dict.fromkeys(PARTS, missing))
    code, out, err = run("all")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize(("error", "expected"), [(InputError("gemm.csv, row 3: odd"), 2), (RunError("it broke"), 1)])
def test_wrong_measurements_are_refused_and_the_other_parts_still_reported(error, expected, parts, run) -> None:
    parts(deepbench=error)
    code, out, err = run("deepbench")
    assert (code, out, err) == (expected, "", f"clustersim: {error}\n")
    code, out, _ = run("all")
    assert code == expected
    assert str(error) in out
    assert out.count("passed") == len(PARTS) - 1


def test_a_reference_that_is_not_there_is_refused_before_anything_runs(parts, run, tmp_path: Path) -> None:
    parts(paper=AssertionError("ran"))
    code, out, err = run("paper", "--reference", tmp_path / "none")
    assert (code, out) == (2, "")
    assert "none: not found" in err
    assert err.count("\n") == 1


def test_a_report_that_could_not_be_written_is_refused_before_anything_runs(parts, run, tmp_path: Path) -> None:
    parts(paper=AssertionError("ran"))
    assert run("paper", "--report", tmp_path / "report.docx")[0] == 2
    assert run("paper", "--report", tmp_path / "none" / "report.md")[0] == 2


def test_an_unknown_part_is_bad_input_that_names_the_parts(run) -> None:
    code, _, err = run("everything")
    assert code == 2
    assert all(part in err for part in PARTS)


# Parts ---------------------------------------------------------------------------------------------------------------


def test_the_command_offers_every_part() -> None:
    argument = next(p for p in validate_command.params if p.name == "part")
    assert argument.type.choices == [*PARTS, "all"] or tuple(argument.type.choices) == (*PARTS, "all")


def test_a_part_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "weather", "forecasts")
    assert "does not have this part" in run_part("weather", None).missing


def test_a_part_whose_package_is_absent_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import validation

    (tmp_path / "weather").mkdir()
    (tmp_path / "weather" / "findings.py").write_text("import no_such_package_of_clouds\n")
    monkeypatch.setattr(validation, "__path__", [*validation.__path__, str(tmp_path)])
    monkeypatch.setitem(PARTS, "weather", "forecasts")
    assert "'no_such_package_of_clouds'" in run_part("weather", None).missing


def test_progress_only_grows_and_ends_at_all_of_it(parts) -> None:
    parts()
    told: list[float] = []
    validate("all", None, 1, lambda what, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_reference_reaches_the_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = []

    def findings(reference: Path | None, progress: Progress) -> Findings:
        seen.append(reference)
        return good("paper")

    monkeypatch.setitem(sys.modules, "validation.paper.findings", SimpleNamespace(findings=findings))
    validate("paper", tmp_path, 1, quiet)
    assert seen == [tmp_path]


def test_side_by_side_finds_the_same_in_the_same_order(tmp_path: Path) -> None:
    names = ["deepbench", "published"]  # neither finds data in an empty folder
    alone, together = (run_parts(names, tmp_path, jobs) for jobs in (1, 2))
    assert [str(found) for found in alone] == [str(found) for found in together]
    assert [getattr(found, "part", "") for found in alone] == [getattr(found, "part", "") for found in together]


# Output --------------------------------------------------------------------------------------------------------------


def test_json_on_standard_output_is_alone_there_and_complete(parts, run) -> None:
    parts(paper=wrong, published=missing)
    code, out, _ = run("all", "--json", "-")
    document = json.loads(out)
    assert code == 1
    assert document["schema"] == SCHEMA == "clustersim/validation/1"
    assert document["passed"] is False
    outcomes = {part["part"]: part["outcome"] for part in document["parts"]}
    assert outcomes == {**dict.fromkeys(PARTS, "passed"), "paper": "FAILED", "published": "skipped"}
    check = document["parts"][0]["checks"][0]
    assert (check["predicted"], check["measured"], check["error"], check["allowed"]) == (2.0, 1.0, 1.0, 0.1)
    assert check["passed"] is False
    assert document["parts"][1]["verdicts"][0]["passed"] is True
    assert document["provenance"]["command"] == "clustersim validate all"


def test_json_has_no_numbers_that_json_cannot_hold(parts, run) -> None:
    odd = Check("times", "row", float("nan"), 0.0, allowed=0.1)
    parts(paper=lambda part: Findings(part, "Paper", checks=[odd], verdicts=[Verdict("", "v", float("nan"), 1.0)]))
    code, out, _ = run("paper", "--json", "-")
    found = json.loads(out, parse_constant=pytest.fail)["parts"][0]
    assert code == 1
    assert found["checks"][0]["predicted"] is None
    assert found["checks"][0]["passed"] is False
    assert found["verdicts"][0] == found["verdicts"][0] | {"value": None, "passed": False}


def test_long_tables_show_the_worst_and_all_rows_on_demand(parts, run) -> None:
    checks = [Check("times", f"row {place:03}", 1.0 + place / 1000, 1.0, allowed=0.0505) for place in range(100)]
    parts(paper=lambda part: Findings(part, "Paper", checks=checks))
    code, out, _ = run("paper")
    shown = [line for line in out.splitlines() if "row 0" in line]
    assert code == 1
    assert "row 099" in shown[0]
    assert len(shown) == 12
    assert "37 of them beyond the allowed error" in " ".join(out.split())
    _, out, _ = run("paper", "--all-rows")
    assert sum("row 0" in line for line in out.splitlines()) == 100


def test_the_module_is_the_same_command() -> None:
    arguments = [sys.executable, "-m", "validation", "no-such-part"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    assert done.returncode == 2
    assert done.stderr.startswith("clustersim: ")
    assert done.stderr.count("\n") == 1
