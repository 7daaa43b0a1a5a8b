"""Reading TOML documents into validated models, with errors that name the file, the key and what was expected.

Profiles and scenarios are both such documents. Quantities are text with a unit (see `simulator.units`); the annotated
types below turn them into SI floats while a document is loaded, so nothing past the loader ever sees a unit.
"""

from __future__ import annotations

import copy
import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from simulator.errors import InputError, suggestion
from simulator.units import parse_quantity

__all__ = [
    "Bandwidth",
    "Document",
    "Frequency",
    "Money",
    "Number",
    "Power",
    "Price",
    "Rate",
    "Seconds",
    "Size",
    "load_document",
    "read_toml",
    "validate",
]


class Document(BaseModel):
    """Base of every table in a document: unknown keys are refused, values cannot be changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _quantity(dimension: str) -> BeforeValidator:
    def convert(value: Any) -> float:
        return parse_quantity(value, dimension)

    return BeforeValidator(convert)


Seconds = Annotated[float, _quantity("time")]
Size = Annotated[float, _quantity("size")]
Bandwidth = Annotated[float, _quantity("bandwidth")]
Rate = Annotated[float, _quantity("rate")]
Frequency = Annotated[float, _quantity("frequency")]
Power = Annotated[float, _quantity("power")]
Price = Annotated[float, _quantity("price")]
Money = Annotated[float, _quantity("money")]
Number = Annotated[float, _quantity("number")]

Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises
    ------
    InputError
        If the file is missing, unreadable, not UTF-8 or not TOML.
    """
    try:
        return copy.deepcopy(_parsed(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a TOML file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; expected a TOML file") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None


@functools.lru_cache(maxsize=128)
def _parsed(text: str) -> dict[str, Any]:
    """The tables in a text; a study reads the same profiles for each of its points."""
    return tomllib.loads(text)


def load_document(path: Path, model: type[Model]) -> Model:
    """A TOML file as a validated `model`.

    Raises
    ------
    InputError
        One line that names the file, the first wrong key and what was expected there.
    """
    return validate(read_toml(path), model, str(path))


def validate(data: Mapping[str, Any], model: type[Model], where: str) -> Model:
    """`data` as a validated `model`; `where` (a file name) opens the error message.

    Raises
    ------
    InputError
        One line for the first problem found, with the number of further ones.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = error.errors()
        # A misspelt key is also a missing one; the misspelling is what helps.
        first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"{where}: {_describe(first, model, data)}{more}") from None


def _describe(problem: Any, model: type[BaseModel], data: Mapping[str, Any]) -> str:
    location: tuple[int | str, ...] = problem["loc"]
    key = _dotted(location)
    kind: str = problem["type"]
    if kind == "extra_forbidden":
        parent = _model_at(model, location[:-1])
        names = [field.alias or name for name, field in parent.model_fields.items()] if parent else []
        return f"{key}: unknown key{suggestion(str(location[-1]), names)}"
    if kind == "missing":
        return f"{key}: missing; it is required"
    if kind == "int_from_float":
        return f"{key}: input should be a whole number, got {problem['input']!r}"
    message: str = problem["msg"]
    message = message.removeprefix("Value error, ")
    if kind == "value_error" or "got" in message:
        return f"{key}: {message}" if key else message
    return f"{key}: {message[0].lower()}{message[1:]}, got {problem['input']!r}"


def _dotted(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that describes the table at `location`, if it can be followed through the annotations."""
    current: Any = model
    for part in location:
        if get_origin(current) in (dict, Mapping) and isinstance(part, str):
            current = get_args(current)[1]
            continue
        current = _first_model(current)
        if current is None or not isinstance(part, str):
            continue
        field = current.model_fields.get(part)
        if field is None:
            return None
        current = field.annotation
    return _first_model(current)


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _first_model(argument)
        if found is not None:
            return found
    return None
