"""Published runs: fits reproduce what they saw, nothing else moves them, and wrong predictions fail."""

from __future__ import annotations

from dataclasses import replace
from math import isnan
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.memory_plan import memory_of
from validation.checks import Check
from validation.published import findings as published
from validation.published.fitting import Bounds, Case, Stage, errors_of, fit, load_fits, merged
from validation.published.hkbu import between_nodes
from validation.published.hkbu_pairs import all_pairs, as_on_half, winners
from validation.published.jobs import CONTENTION, Job, Simulated, calibrated
from validation.published.reference import Row, default_reference, read_rows
from validation.published.source import Judged, larger_scales, unseen
from validation.published.sources import SOURCES

REFERENCE = default_reference()
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the published tables are not here")
HEADER = "system,devices,n,model,batch_per_device,metric,value,unit,source,notes\n"


def source(name):
    return next(each for each in SOURCES if each.name == name)


def stored(each):
    return {stage: entry["parameters"] for stage, entry in load_fits(published.FITTED)[each.name].items()}


def made(name, measured, predicted, tags=(), fits="", larger=True) -> Judged:
    case = Case("section", name, measured, lambda parameters: predicted, larger=larger, tags=tags, fits=fits)
    return case, Check("section", name, predicted, measured, fitted=bool(fits))


# Rows ---------------------------------------------------------------------------------------------------------------


def test_rows_are_read_with_their_notes(tmp_path: Path):
    (tmp_path / "some.csv").write_text(HEADER + "s,d,4,m,,throughput,2.5,images/s,here,method=A; std=0.1\n")
    (row,) = read_rows(tmp_path, "some")
    assert (row.n, row.batch, row.value) == (4, 0, 2.5)
    assert (row.note("method"), row.note("std"), row.note("other")) == ("A", "0.1", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [("a,b\n1,2\n", "expected the column 'system'"), (HEADER + "s,d,four,m,,x,1,u,here,\n", "line 2: .*'four'")],
    ids=["a column is missing", "a number is none"],
)
def test_wrong_tables_are_refused_in_one_line(tmp_path: Path, text, message):
    (tmp_path / "some.csv").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_rows(tmp_path, "some")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"none\.csv: cannot be read"):
        read_rows(tmp_path, "none")


def test_without_the_tables_the_part_says_so(tmp_path: Path):
    assert "expected the published tables" in published.findings(tmp_path / "nowhere").missing


# Fits ---------------------------------------------------------------------------------------------------------------


def test_a_fit_recovers_parameters_stage_by_stage_and_leaves_predictions_alone():
    """Times of 1/a + n b: `a` from one device, `b` from two, and nothing from four."""

    def predict(n):
        return lambda parameters: 1.0 / parameters["a"] + (n - 1) * parameters.get("b", 0.0)

    def cases(at_four):
        stages = {1: "one", 2: "two", 4: ""}
        return [
            Case("s", str(n), value, predict(n), stages=("one", "two"), fits=stages[n])
            for n, value in ((1, 0.5), (2, 0.75), (4, at_four))
        ]

    stages = [
        Stage("one", {"a": Bounds(1.0, 0.1, 10.0)}, ""),
        Stage("two", {"b": Bounds(1.0, 0.01, 10.0)}, "", ("one",)),
    ]
    found = fit(stages, cases(1.25))
    assert found["one"]["a"] == pytest.approx(2.0, rel=1e-4)
    assert found["two"]["b"] == pytest.approx(0.25, rel=1e-4)
    assert errors_of(cases(1.25), found)[2] == pytest.approx(0.0, abs=1e-4)
    assert fit(stages, cases(7.0)) == found
    assert merged(found, ("one",)) == found["one"]


def test_a_stage_without_rows_is_refused():
    with pytest.raises(InputError, match="expected rows of one GPU, found no such row"):
        fit([Stage("one", {"a": Bounds(1.0, 0.1, 10.0)}, "rows of one GPU")], [])


def test_contention_multiplies_the_scale_of_several_workers_alone():
    parameters = {CONTENTION: 1.5, "compute.scale.lenet": 2.0, "compute.scale.vgg-16": 3.0, "overlap.slowdown": 0.1}
    alone = {"compute.scale.lenet": 2.0, "overlap.slowdown": 0.1}
    assert calibrated(parameters, "lenet", contended=False) == alone
    assert calibrated(parameters, "lenet", contended=True) == alone | {"compute.scale.lenet": 3.0}


# Verdicts -----------------------------------------------------------------------------------------------------------


def test_a_wrong_prediction_fails_and_a_fitted_row_cannot_hide_it():
    right, wrong = made("a", 100.0, 105.0), made("b", 100.0, 150.0)
    seen = made("c", 100.0, 100.0, fits="one")
    (verdict,) = larger_scales("title", [right, seen])
    assert verdict.passed
    (verdict,) = larger_scales("title", [wrong, seen, seen, seen])
    assert verdict.value == pytest.approx(0.5)
    assert not verdict.passed
    (verdict,) = larger_scales("title", [seen])
    assert isnan(verdict.value)
    assert not verdict.passed
    assert unseen([right, made("small", 1.0, 2.0, larger=False)]) == [right[1]]


def test_winners_are_of_pairs_that_differ():
    def row(way, architecture, measured, predicted, n=8, fits=""):
        return made(way, measured, predicted, tags=("net", "model", n, way, architecture), fits=fits)

    right = [row("BSP", "PS", 90.0, 80.0), row("BSP", "A2A", 100.0, 99.0)]
    wrong = [row("WFBP", "PS", 120.0, 100.0, fits="two"), row("WFBP", "A2A", 110.0, 101.0)]
    tie = [row("ByteScheduler", "PS", 100.0, 50.0), row("ByteScheduler", "A2A", 100.5, 60.0)]
    found = {pair.name: (pair.right, pair.unseen) for pair in winners([*right, *wrong, *tie])}
    assert found == {
        "net, model, 8, BSP": (True, True),
        "net, model, 8, WFBP": (False, False),
        "net, model, 8, best": (False, False),
    }


def test_a_difference_within_two_standard_deviations_is_not_sure():
    def pair(deviation):
        sides = [("PS", 100.0), ("A2A", 106.0)]
        rows = [made("", value, value, tags=("net", "model", 8, "BSP", side, deviation)) for side, value in sides]
        return next(each for each in winners(rows) if each.series[2] == "BSP")

    assert pair("2.0").sure
    assert not pair("2.2").sure
    assert pair("2.0").ahead == pytest.approx(-6.0 / 106.0)


def test_the_rule_to_beat_is_that_the_winner_on_half_of_the_gpus_wins_again():
    def rows(way, ahead_on_8, ahead_on_16):
        return [
            made(way, value, 1.0, tags=("net", "model", n, way, side))
            for n, ahead in ((8, ahead_on_8), (16, ahead_on_16))
            for side, value in (("PS", 100.0 * (1.0 + ahead)), ("A2A", 100.0))
        ]

    pairs = all_pairs([*rows("BSP", 0.1, 0.2), *rows("WFBP", 0.1, -0.2), *rows("ByteScheduler", 0.1, 0.001)])
    assert as_on_half([pair for pair in pairs if pair.series[2] != "best"], 16) == (1, 2)


def test_a_row_at_its_word_counts_only_where_that_is_asked():
    def row(name, architecture, measured, predicted):
        return made(name, measured, predicted, tags=("net", "model", 8, "BSP", architecture))

    ring = row("model, 8 GPUs", "A2A", 100.0, 100.0)
    servers = row("model, 8 GPUs", "PS", 50.0, 50.0), row("model, 8 GPUs, at its word", "PS", 50.0, 150.0)
    assert all(pair.right for pair in winners([ring, *servers]))
    assert not any(pair.right for pair in winners([ring, *servers], at_word=True))


# The networks of HKBU -----------------------------------------------------------------------------------------------


SLOW, FAST = "HKBU cluster, 10GbE with TCP/IP", "HKBU cluster, 100GbE with TCP/IP"


@pytest.mark.parametrize(
    ("four", "fast", "slow", "sixteen", "other"),
    [
        pytest.param(200.0, 202.0, 200.0, 900.0, True, id="as slow as the slow network, which bounds it"),
        pytest.param(100.0, 195.0, 194.0, 400.0, False, id="as fast as nodes can be"),
        pytest.param(200.0, 220.0, 200.0, 440.0, False, id="faster than the slow network"),
    ],
)
def test_runs_over_the_other_adapter_are_told_by_four_and_eight_gpus(four, fast, slow, sixteen, other):
    def row(system, n, value):
        return Row(system, "GPU", n, "BERT-Base", 64, "throughput", value, "samples/s", "", "method=WFBP-PS; std=0.1")

    rows = [row(FAST, 4, four), row(FAST, 8, fast), row(SLOW, 4, four), row(SLOW, 8, slow)]
    rows += [row(FAST, 16, sixteen), row(SLOW, 16, sixteen)]
    cases = source("hkbu").cases(rows, Simulated())
    names = [f"{case.name} {case.note}".strip() for case in cases if case.tags[0] == "100 Gb/s TCP"]
    told = " predicted over 10 GbE TCP" if other else ""
    expected = ["BERT-Base, 4 GPUs"]
    for n in (8, 16):
        expected += [f"BERT-Base, {n} GPUs{told}"] + [f"BERT-Base, {n} GPUs, at its word"] * other
    assert names == expected
    assert [case.fits for case in cases if case.tags[2] == 16] == [""] * (3 if other else 2)


def test_twice_the_servers_are_as_good_as_connections_that_carry_twice_as_much():
    """Where connections bound what a node pushes: it has one to every node of servers."""

    def step(nodes, connection):
        cluster = {"master": "node", "shards": nodes}
        job = Job("hkbu-100g-tcp", "alexnet", 4 * nodes, 8, "sync-ps", 2 * nodes, "cifar10", {"group": 4}, cluster)
        known = between_nodes("ethernet-100g-tcp", True, {"servers.connection": connection})
        return Simulated().step_time(job, known)

    assert step(4, 0.2e9) == pytest.approx(step(2, 0.4e9), rel=0.01)
    assert step(4, 0.2e9) < 0.6 * step(2, 0.2e9)
    assert "link.ethernet-10g-tcp.stream" not in between_nodes("ethernet-10g-tcp", True, {"servers.connection": 0.2e9})


# Jobs ---------------------------------------------------------------------------------------------------------------


JOB = Job("aws-p2-8xlarge", "alexnet", 4, 64, "sync-ps")


def test_more_bandwidth_is_never_slower_and_slower_arithmetic_never_faster():
    simulated = Simulated()
    links = [simulated.step_time(JOB, {"link.pcie3-x16.bandwidth": factor}) for factor in (0.1, 0.3, 1.0)]
    assert links == sorted(links, reverse=True)
    assert links[0] > links[-1]
    scales = [simulated.step_time(JOB, {"compute.scale.alexnet": factor}) for factor in (0.5, 1.0, 2.0)]
    assert scales == sorted(scales)


def test_a_step_alone_takes_as_long_as_one_of_several():
    one = Simulated().step_time(JOB, {})
    several = JOB.scenario({}).override({"workload.steps": 3})
    from simulator.simulation import simulate

    assert simulate(several).time / 3 == pytest.approx(one, rel=1e-9)


def test_a_batch_just_too_large_for_the_memory_model_takes_the_time_of_the_largest_that_fits():
    job = Job("dgx1-p100", "resnet-152", 1, 64, "sync-sgd")
    simulated, most = Simulated(), memory_of(job.scenario({})).largest_batch
    fitting, too_large = (simulated.step_time(replace(job, batch=batch), {}) for batch in (most, most + 1))
    assert too_large == pytest.approx(fitting * (most + 1) / most)


def test_the_server_s_traffic_on_a_node_s_adapter_is_the_gradient_once_each_way():
    """With the workers of a node as a group, and as many shards as nodes of workers."""
    job = Job("hkbu-10g", "alexnet", 8, 8, "sync-ps", 4, "cifar10", {"group": 4}, {"master": "node", "shards": 2})
    result = Simulated().result(job, {})
    gradient = 62_378_344 * 4
    adapters = {load.resource: load.bytes for load in result.links if "switch" in load.resource}
    assert adapters
    for carried in adapters.values():
        assert carried == pytest.approx(gradient, rel=1e-3)


# The sources --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [each.name for each in SOURCES])
def test_every_stage_has_stored_parameters_within_its_bounds_and_says_what_it_saw(name):
    each, fits = source(name), load_fits(published.FITTED)[name]
    assert list(fits) == [stage.name for stage in each.stages]
    for stage in each.stages:
        entry = fits[stage.name]
        assert entry["rows"]
        assert set(entry["parameters"]) == set(stage.parameters)
        for parameter, bounds in stage.parameters.items():
            assert bounds.lower * 0.999 <= entry["parameters"][parameter] <= bounds.upper * 1.001


@needs_reference
@pytest.mark.parametrize("name", [each.name for each in SOURCES])
def test_the_rows_that_a_fit_saw_are_the_ones_it_names(name):
    each = source(name)
    cases = each.cases(read_rows(REFERENCE, each.table), Simulated())
    fits = load_fits(published.FITTED)[name]
    for stage in each.stages:
        assert [f"{case.section}: {case.name}" for case in cases if case.fits == stage.name] == fits[stage.name]["rows"]
    assert any(not case.fits for case in cases)


@needs_reference
@pytest.mark.parametrize("name", ["tensorflow", "mxnet", "theano"])
def test_a_row_that_no_fit_saw_can_change_without_changing_what_is_fitted_or_predicted(name):
    """The prediction of a case depends on what was run, and not on what was measured."""
    each, found = source(name), stored(source(name))
    rows = read_rows(REFERENCE, each.table)
    cases = each.cases(rows, Simulated())
    place = next(i for i, case in enumerate(cases) if not case.fits and not case.larger)
    doubled = [replace(row, value=2.0 * row.value) for row in rows]
    other = each.cases(doubled, Simulated())[place]
    assert other.measured != cases[place].measured
    assert other.predict(merged(found, other.stages)) == cases[place].predict(merged(found, cases[place].stages))


@needs_reference
def test_fitted_rows_of_one_device_are_reproduced():
    for name in ("mxnet", "theano", "hkbu"):
        each, found = source(name), stored(source(name))
        cases = each.cases(read_rows(REFERENCE, each.table), Simulated())
        ones = [case for case in cases if case.fits and len(case.stages) == 1]
        assert ones
        assert max(map(abs, errors_of(ones, found))) < 2e-3


@pytest.mark.slow
@needs_reference
def test_no_verdict_is_missed():
    found = published.findings(None)
    assert not [verdict.statement for verdict in found.verdicts if not verdict.passed]
