"""Profiles that a probe writes load, say what was measured and how well, and simulate."""

import getpass
import json
import platform
import re

import pytest
from synthetic import measurement, seconds

from simulator.cost.device import DeviceCosts, kernel_model_of
from simulator.errors import InputError
from simulator.hardware import load_system
from simulator.hardware.sourced import Kind, sourced_numbers
from simulator.probe.check import check_gradients
from simulator.probe.profile import write_profiles
from simulator.probe.view import PROBE_SCHEMA, probe_document, probe_view
from simulator.scenario import Scenario
from simulator.simulation import simulate
from simulator.workload import load_network
from simulator.workload.kernels import Gemm


@pytest.fixture(scope="module")
def system_path(tmp_path_factory):
    return write_profiles(measurement(), tmp_path_factory.mktemp("machine"), "round")


def scenario(path, learner, workers, algorithm="sync-sgd", **changes):
    data = "synthetic:shape=1x28x28,samples=500" if learner == "lenet" else "synthetic:samples=500"
    tables = {
        "cluster": {"system": str(path), "workers": workers},
        "workload": {
            "network": "learner",
            "dataset": "learner",
            "batch_size": 16,
            "steps": 4,
            "precision": "fp64",
        },
        "algorithm": {"name": algorithm},
        "learning": {"data": data, "model": learner},
    }
    return Scenario.from_dict(tables).override({key.replace("__", "."): value for key, value in changes.items()})


def test_what_was_measured_is_what_the_profile_says(system_path):
    system = load_system(system_path)
    device = system.devices["cpu"]
    assert device.units.value == 2
    assert device.peak["fp64"].value == pytest.approx(100e9)
    assert device.core_bandwidth is not None
    assert device.core_bandwidth.value == pytest.approx(10e9)
    processes = system.node.processes
    assert processes is not None
    assert (processes.cores, processes.thread_cores) == pytest.approx((1.9, 1.3))
    assert processes.link.message_overhead == pytest.approx(1e-4, rel=1e-3)
    assert processes.link.flow_cap == pytest.approx(5e9, rel=1e-3)
    assert processes.link.bandwidth == pytest.approx(9e9)


def test_every_measured_number_has_an_uncertainty_and_a_date_or_is_a_plain_fact(system_path):
    facts = {"units", "clock", "cache", "capacity"}
    for table in (load_system(system_path).profile, load_system(system_path).devices["cpu"]):
        for key, number in sourced_numbers(table):
            assert number.kind in (Kind.MEASURED, Kind.FITTED, Kind.ASSUMED, Kind.DERIVED)
            if number.kind in (Kind.MEASURED, Kind.FITTED) and key.rpartition(".")[2] not in facts:
                assert number.std is not None, key
                assert re.fullmatch(r"\d{4}-\d\d-\d\d", number.date or ""), key


def test_a_profile_names_the_processor_and_neither_host_nor_user(system_path):
    text = "".join(path.read_text() for path in sorted(system_path.parent.iterdir()))
    assert "clustersim probe on Round CPU" in text
    for name in (platform.node(), getpass.getuser()):
        assert not re.search(rf"\b{re.escape(name)}\b", text)


def test_kernels_take_the_time_that_was_measured(system_path):
    device = load_system(system_path).devices["cpu"]
    costs = DeviceCosts(device, load_network("lenet"), "fp64", 10e9, 1)
    kernel = Gemm(m=64, n=16, k=784, transpose_a=True)
    model = kernel_model_of(device, 1)
    assert model is not None
    assert model.time(kernel, "fp64") == pytest.approx(seconds(kernel), rel=0.25)
    assert costs.update(1, 1, 1) == pytest.approx(2e-6)
    assert costs.update(10**6, 3, 1) == pytest.approx(3.2 * (2e-6 + 1e7 / 10e9), rel=1e-6)


@pytest.mark.parametrize("learner", ["mlp", "lenet"])
@pytest.mark.parametrize("algorithm", ["sync-sgd", "async-sgd"])
def test_learners_run_on_it_with_more_processes_than_cores(system_path, learner, algorithm):
    alone, four = (simulate(scenario(system_path, learner, workers, algorithm)) for workers in (1, 4))
    # Four processes have four times the gradients of one to compute on 1.9 cores; one alone sends nothing in sync-sgd.
    assert four.time > alone.time * (4 / 1.9 * 0.999 if algorithm == "sync-sgd" else 1)
    assert four.learning is not None


def test_without_messages_the_profile_says_that_they_are_assumed(tmp_path):
    path = write_profiles(measurement(messages=False), tmp_path, "silent")
    text = (tmp_path / "silent-memory.toml").read_text()
    assert text.count('kind = "assumed"') == 2
    assert "messages were not measured" in text
    assert simulate(scenario(path, "mlp", 2)).time > 0


def test_a_machine_of_one_core_has_a_profile(tmp_path):
    path = write_profiles(measurement(cores=1), tmp_path, "one")
    assert load_system(path).node.processes.cores == 1.0
    assert simulate(scenario(path, "mlp", 3)).time > simulate(scenario(path, "mlp", 1)).time


def test_a_folder_laid_out_as_the_package_gets_each_file_in_its_place(tmp_path):
    for kind in ("devices", "links", "systems", "kernels"):
        (tmp_path / kind).mkdir()
    path = write_profiles(measurement(), tmp_path, "known")
    assert path == tmp_path / "systems" / "known.toml"
    files = {"systems/known", "devices/known-cpu", "links/known-memory", "kernels/known-kernels"}
    assert {str(file.relative_to(tmp_path).with_suffix("")) for file in tmp_path.glob("*/*.toml")} == files
    assert 'device = "known-cpu"' in path.read_text()
    assert 'kernel_model = "known-kernels"' in (tmp_path / "devices" / "known-cpu.toml").read_text()


def test_cores_cannot_do_more_than_there_are(system_path, tmp_path):
    for file in system_path.parent.iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace("value = 1.9,", "value = 2.5,"))
    with pytest.raises(InputError, match=r"node\.processes\.cores: expected 1 to 2, the cores of round-cpu, got 2\.5"):
        load_system(tmp_path / "round.toml")


@pytest.mark.parametrize("name", ["", "my machine", "../x", "-x"])
def test_names_that_make_no_file_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="--name: expected letters, digits and hyphens"):
        write_profiles(measurement(), tmp_path, name)


def test_view_and_document_show_every_number_with_its_uncertainty(system_path):
    from rich.console import Console

    found = measurement()
    checks = check_gradients(load_system(system_path), 3)
    console = Console(width=150, record=True, quiet=True)
    console.print(probe_view(found, checks, str(system_path)))
    document = probe_document(found, checks, str(system_path))
    json.dumps(document, allow_nan=False)
    assert document["schema"] == PROBE_SCHEMA
    assert {"value", "std", "dimension", "samples"} == set(document["measured"]["message: overhead"])
    assert len(document["messages"]["times"]) == 5
    assert {row["learner"] for row in document["gradients"]} == {"mlp", "lenet"}
