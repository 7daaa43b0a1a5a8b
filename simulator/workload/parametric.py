"""Names that carry parameters: ``synthetic:parameters=25e6,flops=8e9``."""

from __future__ import annotations

from simulator.errors import InputError, UnknownNameError

__all__ = ["parse_options", "whole_number"]


def parse_options(text: str, valid: tuple[str, ...], where: str) -> dict[str, str]:
    """``key=value`` pairs between commas.

    Raises
    ------
    InputError
        If a part is not ``key=value`` or a key comes twice.
    UnknownNameError
        If a key is not one of `valid`.

    Examples
    --------
    >>> parse_options("samples=1e6,classes=10", ("samples", "classes"), "dataset")
    {'samples': '1e6', 'classes': '10'}
    """
    options: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise InputError(f"{where}: expected key=value pairs between commas, got {part!r}")
        if key not in valid:
            raise UnknownNameError("key", key, valid, where)
        if key in options:
            raise InputError(f"{where}: {key}: given twice")
        options[key] = value
    return options


def whole_number(text: str, key: str, where: str, least: int = 1) -> int:
    """A whole number, also when written as ``1.28e6``.

    Raises
    ------
    InputError
        If it is not one, or less than `least`.

    Examples
    --------
    >>> whole_number("1.28e6", "samples", "dataset")
    1280000
    """
    try:
        number = float(text)
        whole = int(number)
    except (ValueError, OverflowError):
        whole, number = 0, float("nan")
    if whole != number or whole < least:
        raise InputError(f"{where}: {key}: expected a whole number of at least {least}, got {text!r}")
    return whole
