"""The model's error: as large as stated, and shared as stated."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.planning.model_error import ALONE, SHARED, TOGETHER, Erring, Sharing, error_factors

STEP = {"step": 0.05}
SHARES = {"forward_backward": 0.75, "gpu_gpu_parameters": 0.25}
DRAWS = 4000


def case(name, setting="here", algorithm="sync-sgd", scatter=STEP) -> Erring:
    return Erring(name, setting, algorithm, SHARES, scatter)


def correlation(first: Erring, second: Erring, sharing: Sharing) -> float:
    factors = np.log(error_factors([first, second], DRAWS, 0, sharing))
    return float(np.corrcoef(factors.T)[0, 1])


@pytest.mark.parametrize("sharing", [ALONE, SHARED, TOGETHER], ids=["alone", "shared", "together"])
def test_each_errs_as_much_as_stated_however_that_is_shared(sharing):
    factors = error_factors([case("a"), case("b")], DRAWS, 0, sharing)
    assert np.log(factors).std(axis=0) == pytest.approx([0.05, 0.05], rel=0.05)
    assert np.median(factors, axis=0) == pytest.approx([1.0, 1.0], abs=0.005)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (case("a"), case("b"), 0.5),
        (case("a"), case("b", algorithm="ssp"), 0.1),
        (case("a"), case("b", setting="there"), 0.4),
        (case("a"), case("b", setting="there", algorithm="ssp"), 0.0),
    ],
    ids=["both", "setting", "algorithm", "nothing"],
)
def test_errors_go_together_by_what_is_shared(first, second, expected):
    # Three standard errors of a correlation of 4000 values.
    assert correlation(first, second, SHARED) == pytest.approx(expected, abs=0.05)
    assert correlation(first, second, TOGETHER) == pytest.approx(1.0)
    assert correlation(first, second, ALONE) == pytest.approx(0.0, abs=0.05)


def test_parts_err_by_their_share_of_the_time():
    factors = error_factors([case("a", scatter={"forward_backward": 0.04})], DRAWS, 0)[:, 0]
    assert factors.std() == pytest.approx(0.75 * 0.04, rel=0.05)


def test_nothing_known_is_no_error():
    assert (error_factors([case("a", scatter={})], 5, 0) == 1.0).all()


def test_a_scenario_s_errors_do_not_depend_on_the_others():
    alone = error_factors([case("a")], 10, 3)[:, 0]
    among = error_factors([case("b"), case("c", "there"), case("a")], 10, 3)[:, 2]
    assert (alone == among).all()
    assert (alone != error_factors([case("a")], 10, 4)[:, 0]).all()


@pytest.mark.parametrize("shares", [(-0.1, 0.5), (0.6, 0.6), (float("nan"), 0.0)], ids=["negative", "too much", "nan"])
def test_impossible_shares_are_refused(shares):
    with pytest.raises(InputError, match="together at most 1"):
        Sharing(*shares)
