"""Effective bandwidth of a working set: measured anchors, limits, monotony, and the cache against a simulated one."""

from __future__ import annotations

from math import exp, inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cost.memory_tiers import effective_bandwidth, effective_latency, hit_rate, usable_capacity
from simulator.errors import InfeasibleError, InputError, UnknownNameError
from simulator.hardware import load_device, names

DEVICES = {name: load_device(name) for name in names("devices")}
KNLS = [device for device in DEVICES.values() if device.fast_memory]
knls = st.sampled_from([device.name for device in KNLS])
PLACEMENTS = ["fast-first", "slow", "interleave"]
GB = 1e9


def _fast(device):
    return device.memories[device.fast_memory]


def _bandwidth_of_misses(device):
    """From the point at 120 GB, where 16/120 of the accesses hit."""
    cache = device.memory_cache
    hits = 16 / 120
    return (1 - hits) / (1 / cache.beyond_bandwidth.value - hits / cache.inside_bandwidth.value)


def test_both_measured_points_of_cache_mode_are_hit():
    theta = DEVICES["knl-7230"]
    assert effective_bandwidth(theta, 7.5 * GB, "cache") == pytest.approx(352 * GB, rel=1e-12)
    assert effective_bandwidth(theta, 120 * GB, "cache") == pytest.approx(59 * GB, rel=1e-12)


def test_flat_mode_inside_mcdram_is_its_triad():
    for device in KNLS:
        for footprint in (0, 1, 7.5 * GB, 16 * GB):
            expected = _fast(device).achieved_bandwidth.value
            assert effective_bandwidth(device, footprint, "flat") == pytest.approx(expected)


def test_flat_mode_placed_slow_is_ddr4():
    for device in KNLS:
        assert effective_bandwidth(device, 5 * GB, "flat", "slow") == pytest.approx(
            device.memory.achieved_bandwidth.value
        )


def test_flat_spill_is_served_in_sequence():
    """32 GB on a 7250: 16 GB at 475 GB/s take 33.7 ms, 16 GB at 90 GB/s take 177.8 ms."""
    expected = 32 * GB / (16 / 475 + 16 / 90)
    assert effective_bandwidth(DEVICES["knl-7250"], 32 * GB, "flat") == pytest.approx(expected)


def test_interleaved_pages_use_both_memories_at_once():
    """Half of the pages in each: DDR4 moves its half while MCDRAM waits, so twice DDR4's bandwidth."""
    device = DEVICES["knl-7250"]
    assert effective_bandwidth(device, 20 * GB, "flat", "interleave") == pytest.approx(2 * 90 * GB)


def test_interleaved_hybrid_cannot_beat_mcdram_which_serves_both_halves():
    device = DEVICES["knl-7250"]
    found = effective_bandwidth(device, 2 * GB, "hybrid", "interleave")
    assert found == pytest.approx(2 * GB / (1 / 475 + 1 / 352))


def test_hybrid_is_part_memory_part_cache():
    """On a 7230, 24 GB: 8 in MCDRAM at 485; 16 in DDR4 behind 8 GB of cache, half hits.

    A hit takes 1/352 ns a byte; at 120 GB behind 16 GB, 2/15 of hits give 59, so a miss takes
    (1/59 - 2/15 · 1/352) · 15/13.
    """
    hit = 1 / 352
    miss = (1 / 59 - 2 / 15 * hit) * 15 / 13
    expected = 24 / (8 / 485 + 16 * (hit + miss) / 2)
    assert effective_bandwidth(DEVICES["knl-7230"], 24 * GB, "hybrid") == pytest.approx(expected * GB)


@pytest.mark.parametrize("device", KNLS, ids=lambda device: device.name)
def test_cache_mode_far_beyond_the_cache_is_slower_than_plain_ddr4(device):
    capacity = usable_capacity(device, "cache")
    assert effective_bandwidth(device, capacity, "cache") < device.memory.achieved_bandwidth.value


@given(
    name=knls,
    mode=st.sampled_from(["flat", "cache", "hybrid", "hybrid-25"]),
    placement=st.sampled_from(PLACEMENTS),
    cluster=st.sampled_from(["all-to-all", "hemisphere", "quadrant", "snc-2", "snc-4"]),
    aware=st.booleans(),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_never_faster_with_a_larger_footprint_and_within_bounds(name, mode, placement, cluster, aware, shares):
    device = DEVICES[name]
    capacity = device.memory.capacity.value if placement == "slow" else usable_capacity(device, mode)
    smaller, larger = sorted(share * capacity for share in shares)
    fast, slow = (
        effective_bandwidth(device, footprint, mode, placement, cluster, numa_aware=aware)
        for footprint in (smaller, larger)
    )
    assert slow <= fast * (1 + 1e-12)
    assert fast <= 1.03 * _fast(device).achieved_bandwidth.value * (1 + 1e-12)
    assert slow >= 0.95 * _bandwidth_of_misses(device)


@given(
    name=knls,
    mode=st.sampled_from(["flat", "cache", "hybrid", "hybrid-25"]),
    placement=st.sampled_from(PLACEMENTS),
    footprint=st.one_of(st.sampled_from([4 * GB, 8 * GB, 12 * GB, 16 * GB, 32 * GB]), st.floats(1e6, 90 * GB)),
)
def test_bandwidth_is_continuous_in_the_footprint(name, mode, placement, footprint):
    device = DEVICES[name]
    here, beside = (effective_bandwidth(device, f, mode, placement) for f in (footprint, footprint * (1 + 1e-9)))
    assert beside == pytest.approx(here, rel=1e-6)


@given(footprint=st.floats(1, 1e12), capacity=st.floats(1, 1e12))
def test_hit_rate_is_a_share_and_hits_never_exceed_the_cache(footprint, capacity):
    rate = hit_rate(footprint, capacity)
    assert 0 < rate <= 1
    assert rate * footprint <= capacity * (1 + 1e-12)


@pytest.mark.parametrize(("lines", "sets"), [(24, 16), (40, 16), (160, 16), (13, 16), (33, 11)])
def test_hit_rate_of_sweeps_forth_and_back_through_a_real_direct_mapped_cache(lines, sets):
    """Line i lives in set i mod `sets`. Every sweep finds the lines the last one ended with, `sets` of them."""
    held: dict[int, int] = {}
    hits = accesses = 0
    for sweep in range(40):
        for line in range(lines) if sweep % 2 == 0 else reversed(range(lines)):
            if sweep >= 2:  # the first sweeps fill the cache
                accesses += 1
                hits += held.get(line % sets) == line
            held[line % sets] = line
    assert hits / accesses == pytest.approx(hit_rate(lines, sets))


def test_randomly_scattered_pages_would_contradict_the_measured_points():
    """With hits (1 - exp(-F/C))·C/F, the points 352 at 7.5 GB and 59 at 120 GB ask for hits of negative time."""
    near, far = ((1 - exp(-load)) / load for load in (7.5 / 16, 120 / 16))
    slope = (1 / 59 - 1 / 352) / (near - far)
    assert 1 / 352 - slope * (1 - near) < 0


def test_plain_devices_get_the_achieved_bandwidth_up_to_their_capacity():
    for device in DEVICES.values():
        if device.fast_memory is None:
            capacity = usable_capacity(device)
            for placement in PLACEMENTS:
                assert effective_bandwidth(device, capacity, placement=placement) == pytest.approx(
                    device.memory.achieved_bandwidth.value
                )


def test_capacity_counts_what_is_not_cache():
    device = DEVICES["knl-7250"]
    capacities = {mode: usable_capacity(device, mode) / GB for mode in device.memory_modes}
    assert capacities == {"flat": 112, "cache": 96, "hybrid": 104, "hybrid-25": 108}


def test_what_does_not_fit_says_need_and_capacity():
    with pytest.raises(
        InfeasibleError, match=r"^device m40: the working set needs 13 GB, more than the 12 GB of gddr5$"
    ):
        effective_bandwidth(DEVICES["m40"], 13 * GB)
    knl = DEVICES["knl-7250"]
    with pytest.raises(InfeasibleError, match="needs 100 GB, more than the 96 GB of ddr4"):
        effective_bandwidth(knl, 100 * GB, "cache")
    with pytest.raises(InfeasibleError, match="needs 100 GB, more than the 96 GB of ddr4"):
        effective_bandwidth(knl, 100 * GB, "flat", "slow")
    with pytest.raises(InfeasibleError, match="needs 113 GB, more than the 112 GB of mcdram and ddr4"):
        effective_latency(knl, 113 * GB, "flat")


def test_no_mode_means_the_default_modes():
    for device in KNLS:
        assert effective_bandwidth(device, 20 * GB) == effective_bandwidth(
            device, 20 * GB, device.default_memory_mode, "fast-first", device.default_cluster_mode
        )


def test_cluster_modes_change_bandwidth_and_latency_by_their_factors():
    device = DEVICES["knl-7210"]
    for name, mode in device.cluster_modes.items():
        for aware, factor in ((True, mode.bandwidth_factor), (False, mode.unaware_bandwidth_factor)):
            found = effective_bandwidth(device, GB, "flat", cluster_mode=name, numa_aware=aware)
            assert found == pytest.approx(factor.value * 447.4 * GB)
        found = effective_latency(device, GB, "flat", cluster_mode=name)
        assert found == pytest.approx(mode.latency_factor.value * 176e-9)
    assert effective_bandwidth(device, GB, "flat", cluster_mode="snc-4", numa_aware=False) < effective_bandwidth(
        device, GB, "flat", cluster_mode="snc-4"
    )


def test_latency_goes_from_hits_to_misses():
    device = DEVICES["knl-7210"]
    assert effective_latency(device, GB, "cache") == pytest.approx(179.5e-9)
    assert effective_latency(device, 64 * GB, "cache") == pytest.approx((179.5 + 3 * 270) / 4 * 1e-9)
    assert effective_latency(device, 32 * GB, "flat") == pytest.approx((176 + 147) / 2 * 1e-9)
    assert effective_latency(DEVICES["m40"], GB) is None


def test_unknown_names_offer_the_nearest_one():
    knl = DEVICES["knl-7250"]
    with pytest.raises(UnknownNameError, match=r"unknown memory mode 'flatt'; did you mean 'flat'\?"):
        effective_bandwidth(knl, GB, "flatt")
    with pytest.raises(UnknownNameError, match=r"unknown cluster mode 'snc4'; did you mean 'snc-4'\?"):
        effective_bandwidth(knl, GB, cluster_mode="snc4")
    with pytest.raises(UnknownNameError, match=r"unknown placement 'slowly'; did you mean 'slow'\?"):
        effective_bandwidth(knl, GB, placement="slowly")
    with pytest.raises(UnknownNameError, match="device m40: unknown memory mode 'cache'"):
        effective_bandwidth(DEVICES["m40"], GB, "cache")


@pytest.mark.parametrize("footprint", [-1.0, nan, inf])
def test_a_footprint_is_a_number_of_bytes(footprint):
    with pytest.raises(InputError, match="device m40: footprint: expected bytes >= 0"):
        effective_bandwidth(DEVICES["m40"], footprint)
