"""Scenarios: examples load, overrides reach their key and no other, wrong keys are refused."""

from pathlib import Path

import pytest

from simulator.errors import InputError, UnknownNameError
from simulator.scenario import Scenario, example_names, parse_assignment


@pytest.mark.parametrize("name", example_names())
def test_every_example_is_a_valid_scenario(name):
    assert Scenario.load(name).tables.workload.batch_size >= 1


def test_overrides_change_one_key_and_leave_the_original():
    before = Scenario.load("m40x4-lenet")
    after = before.override({"workload.batch_size": 128, "simulation.seed": 7})
    assert (after.tables.workload.batch_size, after.tables.simulation.seed) == (128, 7)
    assert before.tables.workload.batch_size == 64
    assert after.tables.cluster == before.tables.cluster


def test_none_removes_a_key():
    scenario = Scenario.load("m40x4-lenet").override({"workload.steps": None, "workload.epochs": 2})
    assert (scenario.tables.workload.steps, scenario.tables.workload.epochs) == (None, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cluster.nodes=16", ("cluster.nodes", 16)),
        ("algorithm.packed=false", ("algorithm.packed", False)),
        ("simulation.jitter=0.1", ("simulation.jitter", 0.1)),
        ("workload.network=lenet", ("workload.network", "lenet")),
        ('workload.network="a=b"', ("workload.network", "a=b")),
        ("cluster.system=my system.toml", ("cluster.system", "my system.toml")),
    ],
)
def test_assignments_are_toml_or_plain_text(text, expected):
    assert parse_assignment(text) == expected


@pytest.mark.parametrize("text", ["cluster.nodes", "=3", ""])
def test_assignments_need_a_key_and_a_value(text):
    with pytest.raises(InputError, match="KEY=VALUE"):
        parse_assignment(text)


def test_a_key_below_a_value_is_refused():
    with pytest.raises(InputError, match="not a table"):
        Scenario.load("m40x4-lenet").override({"cluster.system.x": 1})


def test_a_factor_of_stragglers_that_never_come_is_refused():
    with pytest.raises(InputError, match="straggler_factor has an effect only with straggler_probability"):
        Scenario.load("m40x4-lenet", {"simulation.straggler_factor": 3.0})
    # A study may begin at none of them, and the scenario that a result prints spells defaults out.
    stated = Scenario.load("m40x4-lenet", {"simulation.straggler_factor": 3.0, "simulation.straggler_probability": 0})
    assert Scenario.from_dict(stated.tables.model_dump(exclude_none=True)).tables.simulation.straggler_factor == 3.0


def test_one_length_takes_the_place_of_the_other():
    base = Scenario.load("m40x4-lenet")
    epochs = base.override({"workload.epochs": 3})
    assert (epochs.tables.workload.steps, epochs.tables.workload.epochs) == (None, 3)
    steps = epochs.override({"workload.steps": 7})
    assert (steps.tables.workload.steps, steps.tables.workload.epochs) == (7, None)


def test_steps_and_epochs_exclude_each_other():
    with pytest.raises(InputError, match="either 'steps' or 'epochs', got both"):
        Scenario.load("m40x4-lenet", {"workload.epochs": 1, "workload.steps": 1})
    with pytest.raises(InputError, match="got neither"):
        Scenario.load("m40x4-lenet", {"workload.steps": None})


def test_an_unknown_example_offers_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'm40x4-lenet'"):
        Scenario.load("m40x4-lenett")


def test_paths_in_a_scenario_are_relative_to_it(tmp_path: Path):
    (tmp_path / "s.toml").write_text(
        '[cluster]\nsystem = "m40x4"\n[workload]\nnetwork = "net.toml"\ndataset = "mnist"\nbatch_size = 1\nsteps = 1\n'
        '[algorithm]\nname = "sync-sgd"\n'
    )
    assert Scenario.load(tmp_path / "s.toml").directory == tmp_path
