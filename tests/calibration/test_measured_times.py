"""Tables of steps, collectives and messages calibrate as traces do; groups of measurements are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.calibration.calibrate import Recording, calibrate
from simulator.calibration.closed_form import ClosedForm, ClosedForms
from simulator.calibration.measured import grouped, pooled_errors
from simulator.calibration.observations import CollectiveTime, MessageTime, StepTime
from simulator.errors import InputError
from simulator.execution.collective_time import collective_time
from simulator.simulation import Simulation, simulate


def test_step_times_find_what_they_were_made_with(lenet):
    truth = {"compute.scale": 1.3, "link.pcie3-x16.bandwidth": 0.7}

    def step(devices, batch):
        scenario = lenet.override({"cluster.workers": devices, "workload.batch_size": batch})
        seconds = np.mean(simulate(scenario.override({"calibration.parameters": truth})).step_times[1:])
        return StepTime(devices, batch, float(seconds))

    table = [step(devices, batch) for devices in (1, 2) for batch in (32, 512)]
    found = calibrate([Recording("steps.csv", table, lenet)], list(truth), starts=1)
    for name, value in truth.items():
        assert found.overlay.parameters[name].value == pytest.approx(value, rel=0.01)
    assert set(found.overlay.residual_scatter) == {"step"}
    assert found.overlay.residual_scatter["step"] < 0.01


def test_the_compute_part_of_a_step_counts_by_itself(lenet):
    base = simulate(lenet.override({"cluster.workers": 1}))
    gradient = sum(s.duration for s in base.trace.spans if s.category == "forward_backward") / base.steps
    table = [StepTime(1, 64, 2e-3, compute=2 * gradient), StepTime(2, 64, 2e-3, compute=2 * gradient)]
    found = calibrate([Recording("steps.csv", table, lenet)], ["compute.scale@m40"], starts=1)
    parts = {row.observed.category for row in found.rows}
    assert parts == {"forward_backward", "step"}


def test_collectives_find_what_they_were_made_with(lenet):
    platform = Simulation(lenet.override({"calibration.parameters": {"link.pcie3-x16.bandwidth": 0.6}})).platform
    devices = [placed.name for placed in platform.accelerators]
    wanted = lenet.override({"algorithm.collectives": {"all_reduce": "ring"}})
    table = [
        CollectiveTime("all_reduce", 4, size, collective_time(platform, devices, "all_reduce", size, "ring"))
        for size in (1e5, 1e6, 1e7)
    ]
    found = calibrate([Recording("nccl.txt", table, wanted)], ["link.pcie3-x16.bandwidth"], starts=1)
    assert found.overlay.parameters["link.pcie3-x16.bandwidth"].value == pytest.approx(0.6, rel=0.01)
    assert {row.observed.category for row in found.rows} == {"collective"}


def test_streams_tell_the_bandwidth_alone(lenet):
    stream = [MessageTime(size, size / (0.5 * 12.35e9), "gpu-gpu", in_flight=64) for size in (1e6, 4e6)]
    found = calibrate([Recording("bw.txt", stream, lenet)], ["link.pcie3-x16.bandwidth", "overhead.peer"])
    assert found.overlay.parameters["link.pcie3-x16.bandwidth"].value == pytest.approx(0.5, rel=1e-3)
    assert not found.overlay.parameters["overhead.peer"].identified


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (StepTime(8, 64, 1.0, where="steps.csv: line 3"), "steps.csv: line 3: .*expected 1 node, got 2"),
        (MessageTime(1.0, 1.0, "node-node", "osu.txt: line 9"), "osu.txt: line 9: no two ranks of .* 'node-node'"),
    ],
    ids=["too-many-devices", "no-such-link"],
)
def test_what_the_system_cannot_have_measured_is_refused(row, message, lenet):
    with pytest.raises(InputError, match=message) as caught:
        calibrate([Recording("table", [row], lenet)], ["compute.scale", "overhead.peer"])
    assert "\n" not in str(caught.value)


def test_groups_leave_out_the_first_step_and_interruptions():
    usual = [("a", step, 1.0 + 0.01 * (-1) ** step) for step in range(1, 21)]
    (group,) = grouped([("a", 0, 50.0), *usual, ("a", 21, 30.0)])
    assert (group.count, group.left_out) == (20, 2)
    assert group.mean == pytest.approx(1.0)
    assert group.spread == pytest.approx(0.01, rel=0.05)
    assert pooled_errors([group]) == [pytest.approx(group.spread / 20**0.5)]


def test_what_happens_in_the_first_step_only_is_kept():
    groups = {group.key: group for group in grouped([("once", 0, 3.0), *(("a", step, 1.0) for step in range(5))])}
    assert groups["once"].mean == 3.0
    assert groups["a"].count == 4


def test_single_measurements_have_unknown_errors():
    groups = grouped([("a", 0, 1.0), ("b", 0, 2.0)])
    assert all(np.isnan(pooled_errors(groups)))


def test_formulas_and_their_slopes_agree():
    names = ["compute.scale", "compute.fixed", "link.a.bandwidth", "link.b.bandwidth", "overlap.slowdown"]
    forms = [
        ClosedForm(0.0, {"compute.scale": 2.0, "compute.fixed": 1.0}, busy=0.5),
        ClosedForm(0.1, {}, (("link.a.bandwidth", 3.0), ("link.b.bandwidth", 2.0), ("", 0.5))),
        ClosedForm(0.1, {}, (("link.a.bandwidth", 1.0), ("", 5.0))),
        ClosedForm(0.1, {"compute.scale": 1.0}, rates={"link.a.bandwidth": 3.0}),
    ]
    together, vector = ClosedForms(forms, names), np.array([1.2, 0.3, 2.0, 0.8, 0.25])
    assert together.times(vector) == pytest.approx(
        [2.0 * 1.2 + 0.3 + 0.5 * 0.25 / 1.25, 0.1 + 2.0 / 0.8, 5.1, 0.1 + 1.2 + 1.5]
    )
    slopes = together.jacobian(vector)
    for column in range(len(names)):
        moved = vector.copy()
        moved[column] += 1e-7
        assert (together.times(moved) - together.times(vector)) / 1e-7 == pytest.approx(slopes[:, column], abs=1e-5)
