"""This machine measured for real: the command, processes that are busy, messages over MPI."""

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from simulator import cli
from simulator.cli.measure import _message_probe
from simulator.errors import RunError
from simulator.hardware import load_system
from simulator.probe import cores as cores_module
from simulator.probe.cores import measure_cores
from simulator.probe.load import threads_rate
from simulator.probe.machine import this_machine

no_mpi = importlib.util.find_spec("mpi4py") is None or not (
    Path(sys.executable).with_name("mpiexec").exists() or shutil.which("mpiexec")
)
needs_mpi = pytest.mark.skipif(no_mpi, reason="messages need mpi4py and mpiexec: pip install 'clustersim[training]'")


def command(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        cli.main([str(argument) for argument in arguments])
    return caught.value.code, *capsys.readouterr()


def test_probe_writes_a_profile_that_runs(capsys, tmp_path):
    out = tmp_path / "this-machine"
    code, output, errors = command(capsys, "probe", "--out", out, "--quick", "--no-messages", "--json", "-")
    assert (code, errors) == (0, "")
    document = json.loads(output)
    assert document["messages"] is None
    assert all(number["value"] > 0 for number in document["measured"].values())
    assert all(check["predicted_s"] > 0 for check in document["gradients"])
    system = load_system(document["system"])
    assert system.devices["cpu"].units.value == this_machine().cores
    keys = [f"cluster.system={document['system']}", "workload.precision=fp64", "cluster.workers=3", "workload.steps=2"]
    sets = [part for key in keys for part in ("--set", key)]
    assert command(capsys, "run", "m40x4-lenet", *sets, "--set", "algorithm.name=sync-sgd")[0] == 0


def test_processes_that_are_busy_together_are_all_heard(tmp_path):
    found = measure_cores(1, 2, 0.05)
    assert found.core_stream.value > 1e8
    assert found.core_copy.samples == 2
    assert found.together.value == 1.0  # of one core over itself


def test_threads_do_work():
    assert threads_rate(2, 0.02) > 0


def test_a_process_that_fails_is_named(monkeypatch):
    with pytest.raises(RunError, match="was to be busy failed"):
        cores_module._run(["no schedule"], 0.1, lambda share: None)


def test_a_process_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(cores_module, "_GRACE", 0.1)
    forever = json.dumps([["compute", 4e9, 1.0]])
    with pytest.raises(RunError, match="has not ended"):
        cores_module._run([forever], 0.1, lambda share: None)


@needs_mpi
def test_messages_between_two_real_processes():
    from validation.training.message_times import measure_messages

    shares = []
    found = measure_messages(3, progress=shares.append)
    sizes = [time.size for time in found.times]
    assert sizes[0] == 8
    assert sizes[-1] > 4e6
    assert sizes == sorted(sizes)
    assert all(time.seconds.value > 0 and time.seconds.samples == 6 for time in found.times)
    assert all(time.prompt.value > 0 and time.prompt.samples == 3 for time in found.times)
    assert 0 < found.waiting <= 1.1
    assert shares == sorted(shares)


@needs_mpi
def test_messages_that_take_too_long_are_given_up():
    from validation.training.message_times import measure_messages

    with pytest.raises(RunError, match=r"not all sent after 0\.3 s"):
        measure_messages(100_000, time_limit=0.3)


@needs_mpi
def test_a_process_that_fails_at_messages_is_reported(monkeypatch):
    from validation.training import launch, message_times

    monkeypatch.setattr(launch, "child_environment", lambda: {**os.environ, "PYTHONHOME": "/nowhere"})
    with pytest.raises(RunError, match="the processes that send messages failed"):
        message_times.measure_messages(1)


def test_without_mpi_messages_are_not_measured_and_the_remedy_is_named(capsys, monkeypatch):
    from validation.training import launch

    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None)
    assert _message_probe(None) is None
    assert "pip install 'clustersim[training]'" in capsys.readouterr().err


def test_a_wrong_mpiexec_is_refused(capsys, tmp_path):
    pytest.importorskip("mpi4py", reason="the command is looked for once mpi4py is there")
    code, _, errors = command(capsys, "probe", "--out", tmp_path / "here", "--quick", "--mpiexec", "no-such-command")
    assert code == 2
    assert "--mpiexec: no such command" in errors


def test_a_folder_that_cannot_be_is_refused_before_anything_is_measured(capsys, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    code, _, errors = command(capsys, "probe", "--out", file, "--quick")
    assert code == 2
    assert "file" in errors
