"""Figures of plans in words: what was found, of what was allowed, in the same unit."""

from __future__ import annotations

__all__ = ["budget_words", "deadline_words", "duration", "energy_words", "money", "throughput_words"]

_UNITS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("us", 1e-6))
#: A unit is used from so many of it on: 1.4 d is less clear than 33.6 h.
_LEAST = {"d": 3.0}


def duration(seconds: float, like: float | None = None) -> str:
    """Seconds in the unit that suits them, or the one that suits `like`.

    Examples
    --------
    >>> duration(51_120), duration(51_120, like=600), duration(0.25)
    ('14.2 h', '852 min', '250 ms')
    """
    unit, factor = _unit(seconds if like is None else like)
    return f"{_number(seconds / factor)} {unit}"


def money(dollars: float) -> str:
    """US dollars.

    Examples
    --------
    >>> money(2339.6), money(12.345)
    ('2,340 USD', '12.3 USD')
    """
    return f"{_number(dollars)} USD"


def energy_words(joules: float) -> str:
    """Energy in kilowatt-hours, or in joules where it is less than a hundredth of one.

    Examples
    --------
    >>> energy_words(7.2e6), energy_words(7200), energy_words(3.85)
    ('2.00 kWh', '7.20 kJ', '3.85 J')
    """
    if joules >= 3.6e4:
        return f"{_number(joules / 3.6e6)} kWh"
    return f"{_number(joules / 1e3)} kJ" if joules >= 999.5 else f"{_number(joules)} J"


def deadline_words(seconds: float, deadline: float) -> str:
    """``"14.2 h of 12 h"``.

    Examples
    --------
    >>> deadline_words(51_120, 43_200)
    '14.2 h of 12 h'
    """
    unit, factor = _unit(deadline)
    return f"{_above(seconds / factor, deadline / factor)} {unit} of {deadline / factor:,.12g} {unit}"


def budget_words(dollars: float, budget: float) -> str:
    """``"2,340 of 2,000 USD"``."""
    return f"{_above(dollars, budget)} of {budget:,.12g} USD"


def throughput_words(throughput: float, wanted: float) -> str:
    """``"9,120 of 12,000 samples/s"``."""
    return f"{_number(throughput)} of {wanted:,.12g} samples/s"


def _unit(seconds: float) -> tuple[str, float]:
    for unit, factor in _UNITS:
        if seconds / factor >= _LEAST.get(unit, 1.0):
            return unit, factor
    return _UNITS[-1]


def _number(value: float) -> str:
    """Three digits, and all of those before the point."""
    if value == 0:
        return "0"
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}" if value >= 0.9995 else f"{value:.3g}"


def _above(value: float, limit: float) -> str:
    """A number that is above the limit, with as many digits as it takes to show that."""
    text = _number(value)
    if value > limit and float(text.replace(",", "")) <= limit:
        return f"{value:,.7g}"
    return text
