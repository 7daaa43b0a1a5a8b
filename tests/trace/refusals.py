"""What a call gives, or the one line with which it refuses its input; any other exception fails the test."""

from collections.abc import Callable
from typing import TypeVar

from simulator.errors import InputError

Value = TypeVar("Value")


def attempt(call: Callable[[], Value]) -> tuple[Value | None, str]:
    try:
        return call(), ""
    except InputError as error:
        return None, str(error)


def is_one_line(refusal: str, where: str = "") -> bool:
    return bool(refusal) and "\n" not in refusal and where in refusal
