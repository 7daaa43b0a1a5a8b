"""What a user's network or data set file may contain; see `simulator.workload.description` and `.datasets`.

The keys of a layer table are the arguments of the `NetworkBuilder` method that its `type` names, read from the method's
signature, so a layer the builder knows can be written in a file without a line here.
"""

from __future__ import annotations

import inspect
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import (
    BeforeValidator,
    Field,
    PositiveInt,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    create_model,
)

from simulator.documents import Document
from simulator.units import parse_quantity
from simulator.workload.builder import NetworkBuilder
from simulator.workload.shapes import Extent

__all__ = ["LAYER_TYPES", "DatasetDocument", "NetworkDocument", "TotalsTable", "layer_table"]


def _operations(value: Any) -> float:
    return parse_quantity(value, "operations")


def _extent(value: Any) -> Extent:
    numbers = [value] if isinstance(value, int) else value
    whole = isinstance(numbers, list) and all(type(number) is int for number in numbers)
    if not whole or len(numbers) not in (1, 2):
        raise ValueError(f"expected a whole number or two of them, [vertical, horizontal], got {value!r}")
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


_Shape = Annotated[tuple[Annotated[PositiveInt, Field(strict=True)], ...], Field(min_length=1)]
_Count = Annotated[PositiveInt, Field(strict=True)]


class TotalsTable(Document):
    """``[totals]``: a network known only by its totals."""

    parameters: _Count
    forward_flops: Annotated[float, BeforeValidator(_operations)]
    layers: _Count = 1


class NetworkDocument(Document):
    """A network file; the layer tables are checked one by one, each against its type."""

    format: Literal["clustersim/network/1"] = Field(alias="schema")
    name: StrictStr
    title: StrictStr = ""
    source: StrictStr = ""
    input_shape: _Shape
    pooling: Literal["floor", "ceil"] = "floor"
    layer: list[dict[str, Any]] = Field(default_factory=list)
    totals: TotalsTable | None = None


class DatasetDocument(Document):
    """A data set file."""

    format: Literal["clustersim/dataset/1"] = Field(alias="schema")
    name: StrictStr
    title: StrictStr = ""
    source: StrictStr = ""
    sample_shape: _Shape
    samples: _Count
    test_samples: Annotated[int, Field(strict=True, ge=0)] = 0
    classes: _Count = 1000
    element_size: _Count = 4


#: What a file may hold where the builder's signature says this.
_STRICT: MappingProxyType[Any, Any] = MappingProxyType(
    {
        int: StrictInt,
        bool: StrictBool,
        float: StrictFloat | StrictInt,
        str: StrictStr,
        bool | None: StrictBool,
        str | None: StrictStr,
        tuple[int, ...]: tuple[StrictInt, ...],
        tuple[str, ...]: tuple[StrictStr, ...],
        Extent: Annotated[Any, BeforeValidator(_extent)],
    }
)

#: Values of a layer's `type`: every public method of the builder that adds a layer.
LAYER_TYPES: tuple[str, ...] = tuple(
    name
    for name, method in vars(NetworkBuilder).items()
    if inspect.isfunction(method) and not name.startswith("_") and name != "totals"
)


@cache
def layer_table(kind: str) -> type[Document]:
    """The model of a ``[[layer]]`` table of one type; keys left out take the builder's defaults."""
    method = getattr(NetworkBuilder, kind)
    hints = get_type_hints(method)
    fields: dict[str, Any] = {"type": (Literal[kind], ...)}
    for name, parameter in inspect.signature(method).parameters.items():
        if name != "self":
            required = parameter.default is inspect.Parameter.empty
            fields[name] = (_STRICT[hints[name]], ... if required else parameter.default)
    return create_model(f"{kind}_layer", __base__=Document, **fields)
