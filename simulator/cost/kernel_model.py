"""How long one kernel takes on one device: the entry point of the kernel cost models.

Models are fitted to published measurements (see `validation/deepbench`). An unmeasured device borrows the fit of its
nearest measured relative (`KernelModel.scaled_to`): every term of the fit is a time on ideal hardware, so arithmetic
scales with the peak, traffic with the bandwidth, tile quantisation with the number of units, serial depth with the
clock, and the launch is the device's own. The correction holds the habits of one library on one chip: it is taken over
by another board with that chip (`same_chip`) and left out elsewhere, which measured transfers bear out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from math import isfinite
from pathlib import Path

from simulator.cost.convolution import ConvolutionFit, convolution_time
from simulator.cost.elementwise import StreamTable, elementwise_time
from simulator.cost.gemm import GemmFit, GemmTable, gemm_time
from simulator.cost.kernel_document import KernelDocument
from simulator.cost.rates import DeviceRates, element_size
from simulator.documents import load_document
from simulator.errors import InputError, UnknownNameError
from simulator.workload.kernels import Elementwise, Gemm, Kernel, Pass

__all__ = ["KernelModel", "kernel_model_names", "load_kernel_model", "same_chip"]

#: Fits tried in turn for a precision that was not itself measured.
_RELATED: Mapping[str, tuple[str, ...]] = {"bf16": ("fp16",), "tf32": ("fp16",), "fp8": ("fp16",), "int8": ("fp16",)}

#: Kernels whose times are kept, the latest used: some dozen networks' worth, a few megabytes.
_REMEMBERED = 8192


@dataclass(frozen=True, eq=False)
class KernelModel:
    """Kernel times on one device.

    Attributes
    ----------
    rates : DeviceRates
    gemm : mapping of str to GemmFit
        By measured precision.
    convolution : mapping of str to mapping of Pass to ConvolutionFit
        By measured precision, then pass.
    elementwise : mapping of str to StreamTable
        By name of kernel, where such were measured; times of others follow from the rates.
    """

    rates: DeviceRates
    gemm: Mapping[str, GemmFit]
    convolution: Mapping[str, Mapping[Pass, ConvolutionFit]]
    elementwise: Mapping[str, StreamTable] = field(default_factory=dict)
    #: Tables already worked out, by what they depend on; they spare time and change no result.
    _tables: dict[tuple[object, ...], GemmTable] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """Name of the device."""
        return self.rates.name

    def time(
        self, kernel: Kernel, precision: str = "fp32", *, bandwidth: float | None = None, share: float = 1.0
    ) -> float:
        """Time of one kernel [s], launch included.

        Parameters
        ----------
        kernel : Gemm, Convolution or Elementwise
        precision : str
            A key of ``rates.peak``.
        bandwidth : float, optional
            Replaces the achieved bandwidth of main memory [B/s]: where the operands live.
        share : float
            Fraction of the device's units this kernel may use, above 0 and at most 1. Arithmetic rate and the units
            that tiles are dealt to shrink with it; memory bandwidth does not.

        Raises
        ------
        InputError
            If a bandwidth, share or size makes no sense, or the precision is not one of the device's.
        """
        return self._remembered(kernel, precision, bandwidth, share)

    @cached_property
    def _remembered(self) -> Callable[[Kernel, str, float | None, float], float]:
        """Times already worked out: layers of a network repeat, and so do networks in a study."""
        return lru_cache(maxsize=_REMEMBERED)(self._find_time)

    def _find_time(self, kernel: Kernel, precision: str, bandwidth: float | None, share: float) -> float:
        if not 0.0 < share <= 1.0:
            raise InputError(f"device {self.name}: share must be above 0 and at most 1, got {share!r}")
        if bandwidth is not None and not (isfinite(bandwidth) and bandwidth > 0):
            raise InputError(f"device {self.name}: bandwidth must be positive and finite, got {bandwidth!r}")
        rates = self.rates if bandwidth is None and share == 1.0 else _partition(self.rates, bandwidth, share)
        rates.peak_of(precision)
        if isinstance(kernel, Elementwise) and kernel.name in self.elementwise:
            return self.elementwise[kernel.name].time(kernel.bytes_moved(element_size(precision)))
        if isinstance(kernel, Elementwise):
            return elementwise_time(kernel, rates, precision)
        if isinstance(kernel, Gemm):
            _check_sizes(self.name, kernel, m=kernel.m, n=kernel.n, k=kernel.k, count=kernel.count)
            return gemm_time(kernel, self._table(kernel, rates, precision, bandwidth, share))
        _check_sizes(
            self.name,
            kernel,
            batch=kernel.batch,
            channels=kernel.channels,
            filters=kernel.filters,
            out_height=kernel.out_height,
            out_width=kernel.out_width,
        )
        fits = self.convolution[_fitted(precision, self.convolution)]
        return convolution_time(kernel, fits[kernel.direction], rates, precision)

    def scaled_to(self, rates: DeviceRates) -> KernelModel:
        """This model's fit on another device's rates; on its own rates, the model itself.

        A device that is not the `same_chip` gets the physical part of the fit alone.
        """
        if rates == self.rates:
            return self
        if same_chip(rates, self.rates):
            return KernelModel(rates, self.gemm, self.convolution, self.elementwise)
        return KernelModel(
            rates,
            {precision: GemmFit(fit.weights) for precision, fit in self.gemm.items()},
            {
                precision: {direction: ConvolutionFit(fit.weights) for direction, fit in passes.items()}
                for precision, passes in self.convolution.items()
            },
        )

    def faster(self, compute: float, bandwidth: float, launch: float) -> KernelModel:
        """The model of the same device with factors on its arithmetic rate, memory bandwidth and time of a launch.

        All that was fitted stays: how efficient a shape is does not depend on the clocks. Twice the rates and half the
        launch therefore make every kernel take exactly half as long, which carrying the fit over to another chip
        (`scaled_to`) does not promise.
        """
        return KernelModel(
            self.rates.faster(compute, bandwidth, launch),
            self.gemm,
            self.convolution,
            {name: table.faster(bandwidth, launch) for name, table in self.elementwise.items()},
        )

    def _table(
        self, kernel: Gemm, rates: DeviceRates, precision: str, bandwidth: float | None, share: float
    ) -> GemmTable:
        variant = (kernel.transpose_a, kernel.transpose_b)
        key = (precision, variant, bandwidth, share)
        if key not in self._tables:
            self._tables[key] = self.gemm[_fitted(precision, self.gemm)].table(variant, rates, precision)
        return self._tables[key]


def same_chip(one: DeviceRates, other: DeviceRates) -> bool:
    """Whether two devices pass for boards with one chip: same family, units within 20 %, fp32 peak a unit within 35 %.

    True of M40 and Titan X, of the P100 boards, of the V100 boards and of the Knights Landing models; not of two
    generations.
    """
    if one.family != other.family or "fp32" not in one.peak or "fp32" not in other.peak:
        return False
    units = one.units / other.units
    each = one.peak["fp32"] / other.peak["fp32"] / units
    return max(units, 1 / units) <= 1.2 and max(each, 1 / each) <= 1.35


def _fitted(precision: str, fits: Mapping[str, object]) -> str:
    """The measured precision that stands for `precision`: itself, one that runs on the same units, or fp32."""
    candidates: tuple[str, ...] = (precision, *_RELATED.get(precision, ()), "fp32")
    for candidate in candidates:
        if candidate in fits:
            return candidate
    raise UnknownNameError("precision", precision, fits)


def _partition(rates: DeviceRates, bandwidth: float | None, share: float) -> DeviceRates:
    return replace(
        rates,
        units=rates.units * share,
        peak={precision: peak * share for precision, peak in rates.peak.items()},
        bandwidth=rates.bandwidth if bandwidth is None else bandwidth,
    )


def _check_sizes(device: str, kernel: Kernel, **sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"device {device}: {type(kernel).__name__}.{name} must be at least 1, got {size!r}")


def _folder() -> Path:
    import hardware_profiles

    return Path(hardware_profiles.__file__).parent / "kernels"


def kernel_model_names() -> tuple[str, ...]:
    """Names of the devices with measured kernels."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def load_kernel_model(name: str) -> KernelModel:
    """The model of a measured device, from `hardware_profiles/kernels/NAME.toml` or from a file ``….toml``.

    Raises
    ------
    UnknownNameError
        If there is no such name.
    InputError
        If the file is missing or not valid.
    """
    path = Path(name) if name.endswith(".toml") else _folder() / f"{name}.toml"
    if not name.endswith(".toml") and name not in kernel_model_names():
        raise UnknownNameError("kernel model", name, kernel_model_names())
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        stamp = 0  # reading it says what is wrong
    return _read(path, stamp)


@cache
def _read(path: Path, stamp: int) -> KernelModel:
    """The model in a file as it was at a time; kept, with the tables that it will have worked out."""
    document = load_document(path, KernelDocument)
    return KernelModel(
        document.rates.build(document.name, document.family),
        {precision: table.build() for precision, table in document.gemm.items()},
        {
            precision: {direction: table.build() for direction, table in passes.items()}
            for precision, passes in document.convolution.items()
        },
        {kernel: table.build() for kernel, table in document.elementwise.items()},
    )
