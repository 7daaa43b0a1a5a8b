"""The fit of weak scaling: finds what made the times, sees 1, 2 and 4 nodes alone, says what it cannot see."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, log2

import pytest

from validation.paper.weak_scaling import NODES, PRINTED
from validation.paper.weak_scaling_fit import (
    BANDWIDTH,
    FITTED_ON,
    JITTER,
    WAYS,
    Way,
    fit_way,
    fits,
    printed_seconds,
    simulated,
)

BASE = {"cori-googlenet": 6.3, "cori-vgg": 11.0}
MESSAGES = {"cori-googlenet": 0.012, "cori-vgg": 0.13}
TRUTH = {BANDWIDTH: 0.12, JITTER: 0.04}
SCALES = {"cori-googlenet": 0.8, "cori-vgg": 1.5}


def machine(way: Way, example: str, nodes: int, parameters: Mapping[str, float]) -> float:
    """A closed form with the same shape: arithmetic, the slowest of so many nodes, and a tree of messages."""
    compute = parameters["compute.scale"] * BASE[example] + 0.1
    slowest = compute * (1.0 + parameters.get(JITTER, 0.0) * log2(nodes) ** 0.7)
    return slowest + MESSAGES[example] * log2(nodes) / parameters.get(BANDWIDTH, 1.0)


def made_by_it(example: str, nodes: int) -> float:
    return machine(WAYS[1], example, nodes, {"compute.scale": SCALES[example], **TRUTH})


def test_parameters_that_made_the_times_are_found_again() -> None:
    fit = fit_way(WAYS[1], machine, made_by_it)
    assert fit.scales == pytest.approx(SCALES, rel=1e-6)
    assert fit.shared == pytest.approx(TRUTH, rel=1e-2)
    assert fit.residual < 1e-4
    for (example, nodes), seconds in fit.predicted.items():
        assert seconds == pytest.approx(made_by_it(example, nodes), rel=1e-3)


def test_what_eight_to_sixty_four_nodes_take_changes_nothing() -> None:
    def spoilt(example: str, nodes: int) -> float:
        return made_by_it(example, nodes) * (1.0 if nodes in FITTED_ON else 7.0)

    assert fits(machine, spoilt) == fits(machine, made_by_it)
    assert {nodes for nodes in NODES if nodes not in FITTED_ON} == {8, 16, 32, 64}


@pytest.mark.parametrize("nodes", FITTED_ON)
def test_what_it_is_fitted_to_changes_it(nodes: int) -> None:
    def changed(example: str, count: int) -> float:
        return made_by_it(example, count) * (1.02 if count == nodes else 1.0)

    before, after = (fit_way(WAYS[1], machine, printed) for printed in (made_by_it, changed))
    assert (before.scales, before.shared) != (after.scales, after.shared)


def test_a_parameter_without_effect_has_no_standard_error() -> None:
    def deaf(way: Way, example: str, nodes: int, parameters: Mapping[str, float]) -> float:
        return machine(way, example, nodes, {**parameters, JITTER: 0.0})

    fit = fit_way(WAYS[1], deaf, made_by_it)
    assert fit.errors[JITTER] == inf
    assert fit.errors[BANDWIDTH] < inf


def test_the_way_that_describes_the_fitted_rows_better_comes_first() -> None:
    def only_one_is_right(way: Way, example: str, nodes: int, parameters: Mapping[str, float]) -> float:
        seconds = machine(way, example, nodes, parameters)
        return seconds if way is WAYS[1] else seconds * (1.0 + 0.05 * (nodes == 2))

    found = fits(only_one_is_right, made_by_it)
    assert [fit.way for fit in found] == [WAYS[1], WAYS[0]]
    assert found[0].residual <= found[1].residual


def test_printed_times_are_the_paper_s_totals_over_its_iterations() -> None:
    assert printed_seconds("cori-googlenet", 1) == pytest.approx(1533 / 300)
    assert printed_seconds("cori-vgg", 64) == pytest.approx(1642 / 80)
    assert all(len(totals) == len(NODES) for _, totals in PRINTED.values())


def test_the_simulator_slows_down_with_each_parameter() -> None:
    example, scale = "cori-vgg", {"compute.scale": 1.5}
    plain = simulated(WAYS[1], example, 2, scale)
    assert simulated(WAYS[1], example, 1, {**scale, BANDWIDTH: 0.1}) == simulated(WAYS[1], example, 1, scale)
    assert simulated(WAYS[1], example, 2, {**scale, BANDWIDTH: 0.1}) > plain
    assert simulated(WAYS[1], example, 2, {**scale, JITTER: 0.1}) > plain
    assert simulated(WAYS[0], example, 2, {**scale, BANDWIDTH: 0.1, "overlap.slowdown": 1.0}) > plain
