"""``clustersim plan`` from the command line: what it prints, its JSON, its plot, and what it refuses."""

import json

import pytest
from click.testing import CliRunner

from simulator.cli import cli, main
from simulator.cli.plan import _price
from simulator.errors import InputError
from simulator.report.plans import answer, grouped_reasons

_JOB = """
[cluster]
system = "dgx1-p100"
[workload]
network = "synthetic:parameters=2e6,flops=2e9"
dataset = "cifar10"
batch_size = 16
epochs = 2
[algorithm]
name = "sync-sgd"
[prices]
node_hour = "10 USD/h"
"""


@pytest.fixture
def job(tmp_path):
    path = tmp_path / "job.toml"
    path.write_text(_JOB)
    return str(path)


def _run(*arguments):
    return CliRunner().invoke(cli, ["plan", *arguments], catch_exceptions=False)


def test_the_answer_comes_first_and_the_json_says_the_same(job, tmp_path):
    out = tmp_path / "plan.json"
    options = ("--nodes", "1,2", "--algorithms", "sync-sgd,ddp-msgd", "--jobs", "1", "--no-sensitivity")
    printed = _run(job, *options, "--json", str(out)).stdout
    document = json.loads(out.read_text())
    assert document["schema"] == "clustersim/plan/1"
    best = document["ranked"][0]
    first = printed.splitlines()[0]
    assert first.startswith(f"{best['nodes']} × {best['system']} with {best['algorithm']}")
    assert "the fastest of 4" in first
    assert len(document["ranked"]) == 4
    assert any(one["on_front"] for one in document["ranked"])
    assert document["limits"]["part"] == best["bounded_by"]["part"]
    assert document["question"]["work"]["samples"] == 2 * 50_000


def test_json_to_standard_output_stands_alone(job):
    result = _run(job, "--nodes", "1", "--jobs", "1", "--json", "-")
    document = json.loads(result.stdout)
    assert document["limits"]["sensitivities"]
    assert document["limits"]["text"]


def test_what_will_not_do_is_told_with_numbers(job):
    printed = _run(job, "--nodes", "1,2", "--jobs", "1", "--deadline", "1ms").stdout
    assert printed.startswith("nothing that was tried will do")
    assert "too late:" in printed
    assert "of 1 ms, by arithmetic alone" in printed


def test_a_study_that_is_asked_again_simulates_nothing(job, tmp_path):
    options = ("--nodes", "1,2", "--jobs", "1", "--no-sensitivity", "--out", str(tmp_path / "study"), "--json", "-")
    first, second = (json.loads(_run(job, *options).stdout) for _ in range(2))
    # A run that is found again took as long as it did when it was made.
    assert first == second


def test_draws_say_how_sure_the_order_is(job):
    options = ("--nodes", "1,2", "--jobs", "1", "--no-sensitivity", "--draws", "20", "--model-error", "5%")
    printed = _run(job, *options, "--deadline", "1h").stdout
    assert "how sure, in 20 draws" in printed
    assert "1 × dgx1-p100, sync-sgd, batch 16 costs less than 2 × dgx1-p100, sync-sgd, batch 16 in" in printed
    assert "keeps 1.00 h in 100% of the draws" in printed


def test_the_plot_is_drawn(job, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "plan.svg"
    _run(job, "--nodes", "1,2", "--jobs", "1", "--no-sensitivity", "--deadline", "1h", "--plot", str(path))
    text = path.read_text()
    assert "<svg" in text
    assert "</svg>" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--jobs", "1", "--dask", "tcp://x:1"), "exclude one another"),
        (("--model-error", "5%"), "only with --draws"),
        (("--draws", "10", "--jobs", "1", "--nodes", "1"), "nothing to draw"),
        (("--price", "10"), "expected SYSTEM=USD/h"),
        (("--price", "dgx1-p100=5", "--price", "dgx1-p100=6"), "dgx1-p100 is there twice"),
        (("--deadline", ""), "deadline: expected a time"),
        (("--batch-sizes", "8,x"), "expected whole numbers"),
        (("--plot", "plan.txt"), "expected a file name that ends in"),
        (("--deadline", "soon"), "deadline: expected a time"),
        (("--nodes", "9..1"), "nodes: "),
        (("--systems", "dgx9"), "unknown system"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_bad_options_are_one_line_and_exit_2(job, options, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["plan", job, *options])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_prices_are_per_hour_unless_they_say_otherwise():
    assert _price("a = 5") == ("a", "5 USD/h")
    assert _price("a=1 USD/s") == ("a", "1 USD/s")
    with pytest.raises(InputError):
        _price("a=")


def test_the_example_plans_itself(tmp_path):
    result = _run("resnet50-90-epochs", "--nodes", "1", "--algorithms", "ddp-msgd", "--jobs", "1", "--json", "-")
    document = json.loads(result.stdout)
    assert document["question"]["deadline_s"] == 3600.0
    assert {one["system"] for one in document["ranked"] + document["ruled_out"]} == {
        "dgx1-v100",
        "dgx-a100",
        "dgx-h100",
    }


def test_every_reason_is_told(job):
    from plan_cases import Kept, planned, scenario

    from simulator.planning.candidates import Choices
    from simulator.planning.question import Question
    from simulator.planning.work import Work

    choices = Choices(("dgx1-p100",), ("sync-sgd", "ddp-msgd"), (16, 10**7))
    found = planned(scenario(), choices, (1, 2, 10**6), Question(Work(1e6, ""), deadline=1e-3), Kept())
    told = "\n".join(f"{heading}: {lines}" for heading, lines in grouped_reasons(found.ruled_out))
    for heading in ("too late", "not enough memory", "not enough nodes"):
        assert heading in told
    assert answer(found).startswith("nothing that was tried will do")


@pytest.mark.parametrize(
    ("options", "differ"),
    [
        (("--nodes", "1,2"), True),
        (("--nodes", "1", "--batch-sizes", "16,32"), True),
        (("--nodes", "1,2", "--global-batch", "64"), False),
        (("--nodes", "1", "--algorithms", "sync-sgd,ddp-msgd"), False),
    ],
    ids=["nodes", "batches", "one global batch", "algorithms"],
)
def test_steps_of_different_sizes_are_not_compared_in_silence(job, tmp_path, options, differ):
    page, document = tmp_path / "plan.html", tmp_path / "plan.json"
    outputs = ("--json", str(document), "--report", str(page))
    printed = " ".join(_run(job, *options, "--jobs", "1", "--no-sensitivity", *outputs).stdout.split())
    ranked = json.loads(document.read_text())["ranked"]
    batches = sorted(one["global_batch"] for one in ranked)
    assert batches == sorted(one["workers"] * one["batch_size"] for one in ranked)
    assert (batches[0] != batches[-1]) == differ
    warning = f"go from {batches[0]:,} to {batches[-1]:,} samples a step, and as many epochs are assumed to do at all"
    assert (warning in printed) == differ
    assert (warning in page.read_text()) == differ
    assert ("<th" in page.read_text() and ">global batch<" in page.read_text()) == differ
    assert (f"; {batches[0]:,} samples a step" in printed) != differ
