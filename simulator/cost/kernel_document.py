"""Schema of `hardware_profiles/kernels/*.toml`: the rates of a measured device and what was fitted to its kernels."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from simulator.cost.convolution import ConvolutionFit
from simulator.cost.correction import NO_CORRECTION, Correction
from simulator.cost.elementwise import StreamTable
from simulator.cost.gemm import GemmFit
from simulator.cost.rates import DeviceRates, Family
from simulator.documents import Bandwidth, Document, Frequency, Rate, Seconds, Size
from simulator.workload.kernels import Pass

__all__ = ["KernelDocument"]

Kind = Literal["datasheet", "measured", "fitted", "derived", "recalled", "assumed"]


class _Sourced(Document):
    kind: Kind
    source: str


class _Rate(_Sourced):
    value: Rate


class _Count(_Sourced):
    value: Annotated[float, Field(gt=0)]


class _Frequency(_Sourced):
    value: Frequency


class _Bandwidth(_Sourced):
    value: Bandwidth


class _Size(_Sourced):
    value: Size


class _Seconds(_Sourced):
    value: Seconds


class RatesTable(Document):
    """Table ``[rates]``."""

    units: _Count
    clock: _Frequency
    bandwidth: _Bandwidth
    cache_size: _Size
    launch_overhead: _Seconds
    peak: dict[str, _Rate]

    def build(self, name: str, family: Family) -> DeviceRates:
        """The rates, in SI."""
        return DeviceRates(
            name=name,
            family=family,
            units=self.units.value,
            clock=self.clock.value,
            peak={precision: entry.value for precision, entry in self.peak.items()},
            bandwidth=self.bandwidth.value,
            launch_overhead=self.launch_overhead.value,
            cache_size=self.cache_size.value,
        )


class CorrectionTable(Document):
    """Table ``[….correction]``: see `Correction`."""

    lengths: list[float]
    kinship: float = 1.0
    anchors: list[list[float]]
    variants: list[int]
    weights: list[float]

    def build(self) -> Correction:
        """The arrays."""
        return Correction(
            np.array(self.lengths),
            self.kinship,
            np.array(self.anchors, dtype=float).reshape(len(self.weights), len(self.lengths)),
            np.array(self.variants, dtype=np.int64),
            np.array(self.weights),
        )


class ErrorsTable(Document):
    """Cross-validated relative errors of a fit: median and 90th percentile, over rows and over shape families."""

    rows: int
    median: float
    p90: float
    family_median: float
    family_p90: float


class _Fit(Document):
    kind: Literal["fitted"]
    source: str
    weights: dict[str, Annotated[float, Field(ge=0)]]
    errors: ErrorsTable | None = None
    correction: CorrectionTable | None = None

    def _correction(self) -> Correction:
        return self.correction.build() if self.correction else NO_CORRECTION


class GemmTableDocument(_Fit):
    """Table ``[gemm.PRECISION]``."""

    upper_share: float = 0.5
    narrow_columns: int = 0
    exact_share: float = 0.2

    def build(self) -> GemmFit:
        """The fit."""
        return GemmFit(self.weights, self._correction(), self.upper_share, self.narrow_columns, self.exact_share)


class ConvolutionTableDocument(_Fit):
    """Table ``[convolution.PRECISION.PASS]``."""

    def build(self) -> ConvolutionFit:
        """The fit."""
        return ConvolutionFit(self.weights, self._correction())


class StreamTableDocument(Document):
    """Table ``[elementwise.NAME]``: see `StreamTable`; NAME is that of the kernels, or ``update`` or ``copy``."""

    kind: Literal["measured"]
    source: str
    bytes: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=2)]
    seconds: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=2)]

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if len(self.bytes) != len(self.seconds):
            raise ValueError(f"seconds: expected {len(self.bytes)}, one for each of bytes, got {len(self.seconds)}")
        if any(later <= sooner for sooner, later in pairwise(self.bytes)):
            raise ValueError("bytes: expected to increase")
        if any(later < sooner for sooner, later in pairwise(self.seconds)):
            raise ValueError("seconds: expected not to decrease")
        return self

    def build(self) -> StreamTable:
        """The table."""
        return StreamTable(tuple(self.bytes), tuple(self.seconds))


class Provenance(Document):
    """Table ``[provenance]``: where the measured rows come from and when they were fitted."""

    data: str
    commit: str
    date: str
    command: str
    notes: str = ""


class KernelDocument(Document):
    """One file of `hardware_profiles/kernels/`."""

    name: str
    family: Family
    description: str
    provenance: Provenance
    rates: RatesTable
    gemm: dict[str, GemmTableDocument]
    convolution: dict[str, dict[Pass, ConvolutionTableDocument]]
    elementwise: dict[str, StreamTableDocument] = Field(default_factory=dict)
