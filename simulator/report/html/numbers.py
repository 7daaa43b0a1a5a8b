"""Numbers as a reader of a report wants them: four digits, shares as percentages, a true minus sign."""

from __future__ import annotations

from math import isfinite, isinf, isnan

__all__ = ["number", "percent"]


def number(value: float, unit: str = "") -> str:
    """Four significant digits and the unit.

    Examples
    --------
    >>> number(1533.25, "s"), number(0.000123456, "s"), number(81234.5, "images/s"), number(5.3)
    ('1533 s', '0.0001235 s', '81,234 images/s', '5.3')
    """
    if isnan(value):
        text = "–"
    elif isinf(value):
        text = "∞" if value > 0 else "−∞"
    else:
        text = f"{value:,.0f}" if abs(value) >= 9999.5 else f"{value:.4g}"
        text = text.replace("-", "−", 1) if text.startswith("-") else text
    return f"{text} {unit}".rstrip()


def percent(value: float, signed: bool = False) -> str:
    """A share, with one decimal below 10 % and two below 0.05 %; as a power of ten where that would show nothing.

    Examples
    --------
    >>> percent(0.0312), percent(0.25), percent(-0.4, signed=True), percent(float("inf"), signed=True)
    ('3.1 %', '25 %', '−40 %', '+∞')
    >>> percent(1e-6), percent(-2.3e-9, signed=True)
    ('1.0e-06', '−2.3e-09')
    """
    if not isfinite(value):
        return ("+" if signed and value > 0 else "") + number(value)
    sign = "+" if signed else ""
    if 0.0 < abs(value) < 0.00005:
        text = f"{value:{sign}.1e}"
        return text.replace("-", "−", 1) if value < 0.0 else text
    digits = 0 if abs(value) >= 0.0995 else 1 if value == 0.0 or abs(value) >= 0.0005 else 2
    text = f"{100 * value:{sign},.{digits}f} %"
    return text.replace("-", "−", 1)
