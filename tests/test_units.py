"""Quantities with units: right factors, and refusals that say what would do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.units import DIMENSIONS, format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("475 GB/s", "bandwidth", 475e9),
        ("56 Gb/s", "bandwidth", 7e9),
        ("16 GiB", "size", 16 * 2**30),
        ("0.7us", "time", 0.7e-6),
        ("1.5 µs", "time", 1.5e-6),
        ("6.8 TFLOP/s", "rate", 6.8e12),
        ("3.6 USD/h", "price", 0.001),
        ("85 %", "number", 0.85),
        (0.85, "number", 0.85),
        ("2.5e3 MB", "size", 2.5e9),
    ],
)
def test_known_quantities(text, dimension, value):
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "dimension", "reason"),
    [
        ("475 GB", "bandwidth", "has the unit 'GB'"),
        ("475", "bandwidth", "has no unit"),
        (475, "bandwidth", "without a unit"),
        ("fast", "bandwidth", "such as '475 GB/s'"),
        ("1 Gb/S", "bandwidth", "units:"),
        (True, "number", "got True"),
        ("1e400 s", "time", "too large"),
        ("nan s", "time", "such as"),
        ("", "size", "such as"),
    ],
)
def test_refusals_name_the_expected_form(text, dimension, reason):
    with pytest.raises(ValueError, match=reason):
        parse_quantity(text, dimension)


@given(st.sampled_from(sorted(DIMENSIONS)), st.floats(1e-9, 1e18))
def test_what_is_printed_parses_back_to_its_precision(dimension, value):
    text = format_quantity(value, dimension, digits=12).replace(",", "")
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-10)


@given(st.floats(0.9990, 1.0010))
def test_rounding_never_prints_a_thousand_of_the_smaller_unit(value):
    assert format_quantity(value * 1e-3, "time") in ("1 ms", "999 us")


def test_numbers_too_large_to_count_are_not_written_out():
    assert format_quantity(3.6e18, "energy") == "1e+12 kWh"
    assert format_quantity(1e300, "time") == "1.16e+295 d"
    assert format_quantity(3.6e17, "energy") == "100,000,000,000 kWh"
