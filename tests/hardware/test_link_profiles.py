"""Every link profile: within its line rate, consistent with its family, and with the measurements it was fitted to."""

from __future__ import annotations

import pytest

from simulator.hardware import load_link, names
from simulator.hardware.sourced import sourced_numbers

LINKS = {name: load_link(name) for name in names("links")}

every_link = pytest.mark.parametrize("link", LINKS.values(), ids=LINKS.keys())


@every_link
def test_every_source_is_used_and_every_number_has_one(link):
    numbers = dict(sourced_numbers(link))
    assert {"bandwidth", "raw_bandwidth", "latency"} <= set(numbers)
    assert {number.source for number in numbers.values()} == set(link.sources)


@every_link
def test_achieves_a_fair_part_of_the_line_rate(link):
    """A link between sockets carries device traffic at far less than its line rate; all others reach 60 %."""
    efficiency = link.bandwidth.value / link.raw_bandwidth.value
    assert (0.3 if link.medium == "cpu-interconnect" else 0.6) < efficiency <= 1.0


@every_link
def test_hardware_latency_is_below_two_microseconds_and_software_below_fifty(link):
    assert 0 <= link.latency.value < 2e-6
    assert link.message_overhead is None or 0 < link.message_overhead.value < 50e-6


@pytest.mark.parametrize("generation", [2, 3, 4])
def test_pcie_doubles_with_every_generation(generation):
    older, newer = LINKS[f"pcie{generation}-x16"], LINKS[f"pcie{generation + 1}-x16"]
    assert newer.raw_bandwidth.value == pytest.approx(2 * older.raw_bandwidth.value, rel=0.02)
    assert newer.bandwidth.value > 1.8 * older.bandwidth.value
    assert older.pageable_bandwidth.value < older.bandwidth.value


@pytest.mark.parametrize(
    ("name", "links", "total"),
    [
        ("nvlink1", 4, 80e9),
        ("nvlink2", 6, 150e9),
        ("nvlink3", 12, 300e9),
        ("nvlink4", 18, 450e9),
        ("nvlink5", 18, 900e9),
    ],
)
def test_nvlinks_of_a_gpu_add_up_to_the_printed_total(name, links, total):
    assert links * LINKS[name].raw_bandwidth.value == pytest.approx(total)


def test_pcie3_copies_follow_the_fit():
    """The published copy rates, 1 KiB to 1 GiB, within 8 %; the smallest is printed with one digit only."""
    rates = {10: 0.03, 16: 1.77, 18: 5.27, 20: 9.25, 22: 11.41, 24: 12.11, 30: 12.35}
    for power, rate in rates.items():
        assert LINKS["pcie3-x16"].time(2**power) == pytest.approx(2**power / (rate * 1e9), rel=0.08)


def test_fdr_matches_its_ping_pong():
    """0 B in 1.59 us and 256 KiB in 48.82 us between two nodes, that is over two links."""
    link = LINKS["infiniband-fdr"]
    assert link.time(0) + link.latency.value == pytest.approx(1.59e-6, rel=0.01)
    assert link.time(2**18) + link.latency.value == pytest.approx(48.82e-6, rel=0.01)


@pytest.mark.parametrize(
    ("name", "alpha", "beta"),
    [
        ("infiniband-fdr-paper", 0.7e-6, 0.2e-9),
        ("infiniband-qdr-paper", 1.2e-6, 0.3e-9),
        ("ethernet-10g-paper", 7.2e-6, 0.9e-9),
    ],
)
def test_the_papers_table_is_alpha_plus_n_beta(name, alpha, beta):
    for size in (0, 1e3, 249e6):
        assert LINKS[name].time(size) == pytest.approx(alpha + size * beta, rel=1e-3)


def test_infiniband_generations_get_faster():
    speeds = [LINKS[f"infiniband-{rate}"].bandwidth.value for rate in ("qdr", "fdr", "edr", "hdr", "ndr")]
    assert speeds == sorted(speeds)


def test_an_aries_node_injects_more_than_one_link_carries():
    injection = LINKS["aries-injection"].bandwidth.value
    assert LINKS["aries-optical"].bandwidth.value < LINKS["aries-electrical"].bandwidth.value < injection
