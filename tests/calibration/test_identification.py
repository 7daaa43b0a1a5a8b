"""What the data cannot tell is said, with the reason, and left as it was."""

from __future__ import annotations

import pytest

from simulator.calibration.calibrate import Recording, calibrate
from simulator.calibration.observations import MessageTime
from simulator.errors import InputError, UnknownNameError


@pytest.fixture(scope="module")
def traces(lenet, measured):
    scenarios = [lenet.override({"workload.batch_size": batch}) for batch in (32, 256)]
    return measured(scenarios, {"compute.scale": 1.1, "link.pcie3-x16.bandwidth": 0.9})


def assert_not_told(found, name, reason):
    parameter = found.overlay.parameters[name]
    assert not parameter.identified
    assert (parameter.value, parameter.std) == (parameter.start, None)
    assert reason in parameter.reason
    assert name not in found.overlay.values
    assert name not in found.overlay.correlation.names


def test_one_message_size_cannot_tell_latency_from_bandwidth(lenet, measured):
    packed = lenet.override({"algorithm.packed": True})
    messages = [MessageTime(1e6, 2e-4, "gpu-gpu"), MessageTime(1e6, 2.02e-4, "gpu-gpu")]
    found = calibrate([Recording("osu.txt", messages, packed)], ["link.pcie3-x16.bandwidth", "link.pcie3-x16.latency"])
    assert_not_told(found, "link.pcie3-x16.latency", "cannot be told from that of link.pcie3-x16.bandwidth")
    bandwidth = found.overlay.parameters["link.pcie3-x16.bandwidth"]
    assert bandwidth.identified
    # It stands for both: the prediction of that size is right.
    assert found.fit.predicted == pytest.approx([2.01e-4, 2.01e-4], rel=1e-3)


@pytest.mark.parametrize(
    "names", [("overhead.peer", "link.pcie3-x16.latency"), ("link.pcie3-x16.latency", "overhead.peer")]
)
def test_of_two_that_cannot_be_told_apart_the_one_that_can_explain_the_data_stays(names, lenet):
    """Transfers quicker than the profile's overhead of 7 us: no added latency makes up for that."""
    messages = [MessageTime(1e3, 3e-6 * factor, "gpu-gpu") for factor in (0.99, 1.0, 1.01)]
    found = calibrate([Recording("osu.txt", messages, lenet)], names)
    assert_not_told(found, "link.pcie3-x16.latency", "cannot be told from that of overhead.peer")
    assert found.fit.predicted == pytest.approx([3e-6] * 3, rel=0.02)


def test_two_sizes_tell_them_apart(lenet):
    def message(size):
        return MessageTime(size, 1e-5 + 7e-6 + 2 * 0.43e-6 + size / (0.8 * 12.35e9), "gpu-gpu")

    recording = Recording("osu.txt", [message(size) for size in (1e3, 1e4, 1e6, 1e7)], lenet)
    found = calibrate([recording], ["link.pcie3-x16.bandwidth", "link.pcie3-x16.latency"])
    assert all(each.identified for each in found.overlay.parameters.values())
    assert found.fit.predicted == pytest.approx([m.seconds for m in recording.measured], rel=1e-3)


def test_one_batch_size_cannot_tell_a_fixed_part(traces):
    found = calibrate(traces[:1], ["compute.scale", "compute.fixed"])
    assert_not_told(found, "compute.fixed", "cannot be told from that of compute.scale")


@pytest.mark.parametrize("name", ["load.scale", "link.aries.bandwidth", "collective.call", "compute.scale.alexnet"])
def test_what_no_measurement_depends_on(name, traces):
    found = calibrate(traces, ["compute.scale", name])
    assert found.overlay.parameters["compute.scale"].identified
    assert_not_told(found, name, "no observation depends on it")


def test_a_link_that_others_hide_is_not_told(lenet):
    """The bandwidth of a host's PCIe changes nothing while the network behind it is the slower."""
    cluster = lenet.override({"cluster.system": "k80-fdr", "cluster.nodes": 2})
    messages = [MessageTime(size, 2e-5 + size / 5e9, "node-node") for size in (1e4, 1e5, 1e6, 1e7)]
    names = ["link.infiniband-fdr.bandwidth", "link.pcie3-x16.bandwidth"]
    found = calibrate([Recording("osu.txt", messages, cluster)], names)
    told = {name: each.identified for name, each in found.overlay.parameters.items()}
    assert sum(told.values()) == 1
    assert all(each.reason for each in found.overlay.parameters.values() if not each.identified)


def test_noise_that_hides_a_parameter_is_told(lenet):
    """A latency of nanoseconds under noise of microseconds."""
    messages = [
        MessageTime(1e7 * (1 + 1e-3 * k), 1e-3 * (1 + 0.05 * (-1) ** k), "gpu-gpu") for k in range(8)
    ]  # fmt: skip
    names = ["link.pcie3-x16.bandwidth", "link.pcie3-x16.latency"]
    found = calibrate([Recording("osu.txt", messages, lenet)], names)
    assert_not_told(found, "link.pcie3-x16.latency", "standard error")
    assert found.overlay.parameters["link.pcie3-x16.bandwidth"].identified


def test_a_result_at_its_bound_says_so(lenet, measured):
    scenarios = [lenet.override({"workload.batch_size": batch}) for batch in (32, 256)]
    found = calibrate(measured(scenarios, {"compute.scale": 1.1}, variation=0.05, seed=3), ["compute.scale"])
    assert not found.overlay.parameters["compute.scale"].at_bound
    # The links alone take longer than what was measured: no overhead can be small enough.
    messages = [
        MessageTime(1e6, 0.99 * (0.86e-6 + 1e6 / 12.35e9) * factor, "gpu-gpu") for factor in (0.999, 1.0, 1.001)
    ]
    none = calibrate([Recording("osu.txt", messages, lenet)], ["overhead.peer"]).overlay.parameters["overhead.peer"]
    assert (none.value, none.at_bound) == (0.0, True)
    assert "bound" in none.reason


def test_nothing_to_fit_is_refused(traces):
    with pytest.raises(InputError, match=r"trace-0.json: holds no measurement that any of link.aries.latency"):
        calibrate(traces, ["link.aries.latency"])
    with pytest.raises(InputError, match="at least one trace"):
        calibrate([])


def test_unknown_groups_are_refused(traces):
    with pytest.raises(UnknownNameError, match=r"did you mean 'compute.scale'"):
        calibrate(traces, ["compute.scael"])


def test_two_systems_are_refused(traces):
    other = Recording(
        "other.json", [MessageTime(1.0, 1.0)], traces[0].scenario.override({"cluster.system": "dgx1-v100"})
    )
    with pytest.raises(InputError, match=r"other\.json: is of the system 'dgx1-v100'.*'m40x4'"):
        calibrate([*traces, other], ["compute.scale"])


def test_more_ranks_than_the_scenario_has_are_refused(traces):
    fewer = traces[0].scenario.override({"cluster.workers": 2})
    with pytest.raises(InputError, match=r"trace-0\.json: expected the 2 ranks of m40x4-lenet, got 4"):
        calibrate([Recording("trace-0.json", traces[0].measured, fewer)], ["compute.scale"])
