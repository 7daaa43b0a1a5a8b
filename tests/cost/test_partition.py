"""Rates and kernel models of groups of a chip's cores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cost.device import DeviceCosts, device_rates, kernel_model_of
from simulator.cost.partition import fork_join_time, group_model, group_rates
from simulator.errors import InputError
from simulator.hardware import load_device
from simulator.workload import load_network
from simulator.workload.kernels import Elementwise

KNL = load_device("knl-7250")
RATES = device_rates(KNL)
MCDRAM = 475e9
ALEXNET = load_network("alexnet")


def costs(cores: int | None, bandwidth: float = MCDRAM) -> DeviceCosts:
    return DeviceCosts(KNL, ALEXNET, "fp32", bandwidth, cores)


def test_all_cores_are_the_chip():
    assert group_rates(RATES, KNL, 68) is RATES
    whole = kernel_model_of(KNL)
    assert kernel_model_of(KNL, 68) is whole
    assert group_model(whole, RATES) is whole
    assert costs(68).layer_times(64) == costs(None).layer_times(64)
    assert costs(68).update(1_000_000, 2, 1) == costs(None).update(1_000_000, 2, 1)


@given(st.integers(1, 68))
def test_a_group_has_its_share_of_units_peak_and_cache(cores):
    group = group_rates(RATES, KNL, cores)
    assert group.units == pytest.approx(cores)
    assert group.peak_of("fp32") / RATES.peak_of("fp32") == pytest.approx(cores / 68)
    assert group.cache_size / RATES.cache_size == pytest.approx(cores / 68)
    assert group.bandwidth == RATES.bandwidth


def test_fork_and_join_pass_a_tree_of_the_cores():
    # 2 us for 68 cores, seven levels; each level is left and entered over one core-to-core latency of 100 ns.
    assert fork_join_time(KNL, 68) == pytest.approx(2e-6)
    assert fork_join_time(KNL, 65) == pytest.approx(2e-6)
    assert fork_join_time(KNL, 64) == pytest.approx(1.8e-6)
    assert fork_join_time(KNL, 1) == pytest.approx(0.6e-6)
    times = [fork_join_time(KNL, cores) for cores in range(1, 69)]
    assert times == sorted(times)


@pytest.mark.parametrize("cores", [0, -1, 69])
def test_no_cores_or_more_than_there_are_is_refused(cores):
    with pytest.raises(InputError, match="knl-7250: expected 1 to 68 cores"):
        fork_join_time(KNL, cores)
    with pytest.raises(InputError, match="cores"):
        group_rates(RATES, KNL, cores)


@pytest.mark.parametrize("cores", [34, 17, 8, 4, 2, 1])
def test_fewer_cores_are_slower_together_and_better_used_one_by_one(cores):
    """Smaller groups compute more efficiently, because of the terms of the model; never more than ideally so."""
    share = cores / 68
    whole, group = costs(None).gradient(64), costs(cores, MCDRAM * share).gradient(64)
    assert group > whole
    efficiency = whole / (group * share)
    assert 1.0 < efficiency < 1.2


def test_efficiency_grows_as_groups_shrink():
    efficiencies = [1 / (costs(cores, MCDRAM * cores / 68).gradient(64) * cores) for cores in (68, 34, 17, 8, 4, 2, 1)]
    assert efficiencies == sorted(efficiencies)


def test_the_group_s_convolution_is_judged_by_images_per_core():
    """Moving the anchors of the correction down is evaluating it at a batch as many times larger as cores are fewer."""
    whole = kernel_model_of(KNL)
    group = kernel_model_of(KNL, 17)
    assert whole is not None
    assert group is not None
    kernel = next(i.kernel for i in ALEXNET.kernels(64, "forward") if i.layer_name == "conv2")
    direction = kernel.direction
    from numpy import array

    from simulator.cost.convolution import convolution_features

    at_16 = group.convolution["fp32"][direction].correction(convolution_features(kernel, array([16.0])))
    at_64 = whole.convolution["fp32"][direction].correction(convolution_features(kernel, array([64.0])))
    assert at_16 == pytest.approx(at_64, abs=1e-12)
    assert group.gemm is whole.gemm


def test_streaming_kernels_of_a_group_take_the_bandwidth_they_are_given():
    kernel = Elementwise("add", read=2e8, written=1e8)
    group = kernel_model_of(KNL, 4)
    assert group is not None
    traffic = 3e8 * 4 / (MCDRAM / 16)
    assert group.time(kernel, bandwidth=MCDRAM / 16) == pytest.approx(traffic + fork_join_time(KNL, 4))


@given(st.integers(1, 68), st.sampled_from([1, 4, 16, 64, 256]))
def test_more_bandwidth_never_slows_a_group(cores, batch):
    slow, fast = costs(cores, MCDRAM / 64).update(batch, 2, 1), costs(cores, MCDRAM).update(batch, 2, 1)
    assert fast <= slow
