"""The part ``paper``: every printed figure is there with its confidence, and what is judged is judged as announced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log2

import pytest

from validation.checks import Findings
from validation.paper import findings as part
from validation.paper import gpu_box, partition, weak_scaling, weak_scaling_fit
from validation.paper.weak_scaling_fit import FITTED_ON, Way, WeakScalingFit, printed_seconds


def quiet(what: str, share: float) -> None:
    pass


def as_printed(way: Way, example: str, nodes: int, parameters: Mapping[str, float]) -> float:
    """One node from the scale, more nodes as the paper has them, whatever else is asked for."""
    alone = parameters["compute.scale"] * 6.0
    return alone * printed_seconds(example, nodes) / printed_seconds(example, 1)


def never_better(way: Way, example: str, nodes: int, parameters: Mapping[str, float]) -> float:
    return parameters["compute.scale"] * 6.0 * (1.0 + 0.5 * log2(nodes))


@pytest.fixture(scope="module")
def found() -> Callable[[weak_scaling_fit.Predictor], Findings]:
    """Findings with few steps of the GPU box and a made-up cluster in the place of the simulated one."""
    boxes = list(gpu_box.comparisons(steps=8))
    groups = list(partition.rows("flat", data_copies=False, steps=2))
    variants = [
        weak_scaling.Row(example, nodes, printed_seconds(example, nodes), dict.fromkeys(weak_scaling.VARIANTS, 6.0))
        for example in weak_scaling.PRINTED
        for nodes in weak_scaling.NODES
    ]

    def make(predict: weak_scaling_fit.Predictor) -> Findings:
        def fits(progress: Callable[[str], None]) -> list[WeakScalingFit]:
            return weak_scaling_fit.fits(predict, progress=progress)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gpu_box, "comparisons", lambda: boxes)
            patch.setattr(partition, "rows", lambda mode, **options: groups)
            patch.setattr(weak_scaling, "rows", lambda: variants)
            patch.setattr(part, "fits", fits)
            return part.findings(None, quiet)

    return make


@pytest.fixture(scope="module")
def findings(found: Callable[[weak_scaling_fit.Predictor], Findings]) -> Findings:
    return found(as_printed)


def test_every_printed_figure_is_a_row(findings: Findings) -> None:
    by_section = {
        section: {(check.name, check.measured) for check in findings.checks if check.section == section}
        for section in {check.section for check in findings.checks}
    }
    assert {value for _, value in by_section[part.SPEED]} == {3.7, 1.3, 1.1, 5.3}
    assert by_section[part.SECONDS] == set(gpu_box.PRINTED_SECONDS.items())
    assert {value for _, value in by_section[part.SHARES]} == {87.0, 14.000000000000002, 86.0, 1.0}
    for example, name in part.NAMES.items():
        measured = {value for _, value in by_section[f"Weak scaling: {name}"]}
        assert measured == {printed_seconds(example, nodes) for nodes in weak_scaling.NODES}
    assert {value for _, value in by_section[part.GROUPS]} == {1605 / 1025, 1605 / 823, 1605 / 490}


def test_what_the_fit_saw_is_shown_and_never_judged(findings: Findings) -> None:
    for check in findings.checks:
        if check.section.startswith("Weak scaling:") and check.series.startswith("fitted") and "node" in check.name:
            seen = check.name in {f"{nodes} node{'s' * (nodes > 1)}" for nodes in FITTED_ON}
            if check.section != part.LOSS:
                assert check.fitted is seen
                assert seen is False or check.passed is None


def test_allowed_errors_are_those_of_the_confidence(findings: Findings) -> None:
    assert part.ALLOWED == {"A": 0.25, "T": 0.25, "R": 0.50}
    for check in findings.checks:
        assert check.confidence
        if check.allowed is not None:
            scaling = check.unit == "s" and check.section.startswith("Weak scaling")
            assert check.allowed == (part.ALLOWED_SCALING if scaling else part.ALLOWED[check.confidence])


def test_one_network_and_memory_are_judged_and_the_others_shown(findings: Findings) -> None:
    judged = {check.series for check in findings.checks if check.section == part.SPEED and check.passed is not None}
    assert judged == {"LeNet, MNIST, pinned"}
    assert len({check.series for check in findings.checks if check.section == part.SPEED}) == len(gpu_box.CASES)


def scaling_rows(findings: Findings) -> list[bool]:
    sections = {f"Weak scaling: {name}" for name in part.NAMES.values()}
    return [check.passed for check in findings.checks if check.section in sections and check.passed is not None]


def test_a_fit_that_is_right_passes_on_the_eight_rows_it_did_not_see(findings: Findings) -> None:
    assert scaling_rows(findings) == [True] * 8
    assert all(verdict.passed for verdict in findings.verdicts)


def test_a_fit_that_is_wrong_fails(found: Callable[[weak_scaling_fit.Predictor], Findings]) -> None:
    wrong = found(never_better)
    assert scaling_rows(wrong) == [False] * 8
    assert not wrong.passed
    assert sum(not verdict.passed for verdict in wrong.verdicts) >= 4


def test_what_falls_short_has_its_reason_in_words(findings: Findings) -> None:
    for words in ("Original to Sync EASGD1", "Sync EASGD2 to 3", "The seconds", "dividing the chip", "compute.scale"):
        assert words in findings.reasons
