"""A number with its origin: the building block of every hardware profile.

In a profile each number is a table such as ``{ value = "475 GB/s", kind = "measured", source = "theta" }``, where
`source` is a key of the file's ``[sources]`` table. Nothing in a profile is a bare number, so nobody has to ask later
where a bandwidth came from or how far to trust it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, Field, StringConstraints, model_validator

from simulator.documents import Bandwidth, Document, Frequency, Number, Power, Price, Rate, Seconds, Size
from simulator.errors import suggestion

__all__ = [
    "Kind",
    "Profile",
    "Sourced",
    "SourcedBandwidth",
    "SourcedCount",
    "SourcedDuration",
    "SourcedFraction",
    "SourcedFrequency",
    "SourcedNumber",
    "SourcedPower",
    "SourcedPrice",
    "SourcedRate",
    "SourcedSize",
    "SourcedTime",
    "Text",
    "sourced_numbers",
]

Value = TypeVar("Value")
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Kind(StrEnum):
    """How a number came to be known, from the most to the least binding."""

    DATASHEET = "datasheet"  #: printed by the maker or the operator of the machine
    MEASURED = "measured"  #: read from a published measurement of this very component
    FITTED = "fitted"  #: parameter of a model, fitted to measurements
    DERIVED = "derived"  #: computed from other numbers by the rule in `note`
    RECALLED = "recalled"  #: known from the named public document, which could not be opened to check
    ASSUMED = "assumed"  #: a guess, with its reasoning in `note`


class Sourced(Document, Generic[Value]):
    """One number, in SI, with its kind and source.

    Attributes
    ----------
    value : float
        In SI units.
    source : str
        Key of the profile's ``[sources]`` table.
    std : float, optional
        Standard deviation, in the unit of `value`.
    note : str, optional
        Conditions, competing figures, or the rule that was applied; required of derived and assumed numbers.
    traces : tuple of str
        Files a fitted number was fitted to.
    date : str, optional
        When it was measured, fitted or valid (a price).
    """

    value: Value
    kind: Kind
    source: Text
    std: Value | None = None
    note: Text | None = None
    traces: tuple[str, ...] = ()
    date: Text | None = None

    @model_validator(mode="after")
    def _states_its_rule(self) -> Self:
        if self.kind in (Kind.DERIVED, Kind.ASSUMED) and self.note is None:
            raise ValueError(f"note is missing; a number of kind {self.kind.value!r} must state its rule or reasoning")
        return self


_positive = Field(gt=0)
SourcedBandwidth = Sourced[Annotated[Bandwidth, _positive]]
SourcedRate = Sourced[Annotated[Rate, _positive]]
SourcedFrequency = Sourced[Annotated[Frequency, _positive]]
SourcedSize = Sourced[Annotated[Size, _positive]]
SourcedPower = Sourced[Annotated[Power, _positive]]
SourcedPrice = Sourced[Annotated[Price, Field(ge=0)]]
SourcedTime = Sourced[Annotated[Seconds, Field(ge=0)]]
SourcedDuration = Sourced[Annotated[Seconds, _positive]]
SourcedNumber = Sourced[Annotated[Number, _positive]]
SourcedFraction = Sourced[Annotated[Number, Field(ge=0, le=1)]]
SourcedCount = Sourced[Annotated[Number, Field(gt=0, multiple_of=1)]]


def sourced_numbers(table: Any, path: str = "") -> Iterator[tuple[str, Sourced[Any]]]:
    """Every number below `table` (a model, a mapping or a sequence) with its dotted key, in file order.

    Examples
    --------
    >>> clock = SourcedFrequency(value="1.4 GHz", kind="datasheet", source="ark")
    >>> [(key, number.value) for key, number in sourced_numbers({"knl": {"clock": clock}})]
    [('knl.clock', 1400000000.0)]
    """
    if isinstance(table, Sourced):
        yield path, table
        return
    if isinstance(table, BaseModel):
        items = [(name, getattr(table, name)) for name in type(table).model_fields]
    elif isinstance(table, dict):
        items = [(str(key), item) for key, item in table.items()]
    elif isinstance(table, list | tuple):
        items = [(str(index), item) for index, item in enumerate(table)]
    else:
        return
    for key, item in items:
        yield from sourced_numbers(item, f"{path}.{key}" if path else key)


class Profile(Document):
    """What every profile file has: its own name, a title, and the sources its numbers point to."""

    name: Text
    title: Text
    sources: dict[str, Text]

    @model_validator(mode="after")
    def _every_source_exists(self) -> Self:
        for key, number in sourced_numbers(self):
            if number.source not in self.sources:
                hint = suggestion(number.source, self.sources)
                raise ValueError(f"{key}.source: {number.source!r} is not a key of [sources]{hint}")
        return self
