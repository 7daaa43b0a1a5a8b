"""A device's times for what a training rank does on it: gradients, updates, copies.

Puts together a hardware profile, the kernel model fitted for it (or carried over to it), the bandwidth of the memory
that the working set lives in, and the network's kernels.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from simulator.cost.elementwise import elementwise_time
from simulator.cost.kernel_model import KernelModel, load_kernel_model
from simulator.cost.partition import group_model, group_rates
from simulator.cost.rates import DeviceRates, element_size
from simulator.errors import UnknownNameError
from simulator.hardware.device import Device
from simulator.hardware.what_if import ScaledDevice
from simulator.workload.kernels import Elementwise
from simulator.workload.network import Direction, Network

__all__ = ["DeviceCosts", "StreamCosts", "device_rates", "kernel_model_of"]


def device_rates(device: Device, cores: int | None = None) -> DeviceRates:
    """The rates of a device profile that kernel models are written in; of a group of its cores, if `cores` is given."""
    if isinstance(device, ScaledDevice):
        return device_rates(device.original, cores).faster(device.compute, device.bandwidth, device.launch)
    if cores is not None:
        return group_rates(device_rates(device), device, cores)
    overhead = device.launch_overhead or device.parallel_region_overhead
    main = device.memories[device.fast_memory or device.main_memory]
    peak: Mapping[str, float] = {str(precision): rate.value for precision, rate in device.peak.items()}
    return DeviceRates(
        name=device.name,
        family=device.family,
        units=device.units.value,
        clock=device.clock.value,
        peak=peak,
        bandwidth=main.achieved_bandwidth.value,
        launch_overhead=overhead.value if overhead else 0.0,
        cache_size=device.cache.value if device.cache else 0.0,
    )


def kernel_model_of(device: Device, cores: int | None = None) -> KernelModel | None:
    """The fitted kernel model for a device, carried over where it was fitted to a relative; None if it names none.

    For a group of the device's cores, if `cores` is given, see `simulator.cost.partition`; a model that was fitted to
    kernels on so many cores holds for the group as it is.
    """
    if isinstance(device, ScaledDevice):
        original = kernel_model_of(device.original, cores)
        return original and _faster(original, device.compute, device.bandwidth, device.launch)
    if device.kernel_model is None:
        return None
    fitted, rates = load_kernel_model(device.kernel_model), device_rates(device)
    if cores is None:
        return _carried_over(fitted, rates)
    group = device_rates(device, cores)
    if fitted.rates.units == cores:
        return _carried_over(fitted, group)
    return _divided(_carried_over(fitted, rates), group)


@functools.lru_cache(maxsize=64)
def _carried_over(fitted: KernelModel, rates: DeviceRates) -> KernelModel:
    """A model on a device's rates. Kept, because working out its tables takes a third of a second."""
    return fitted.scaled_to(rates)


@functools.lru_cache(maxsize=64)
def _divided(whole: KernelModel, rates: DeviceRates) -> KernelModel:
    """The model of a group of a chip's cores, kept like `_carried_over`."""
    return group_model(whole, rates)


@functools.lru_cache(maxsize=64)
def _faster(model: KernelModel, compute: float, bandwidth: float, launch: float) -> KernelModel:
    """A model with factors on its rates, kept like `_carried_over`."""
    return model.faster(compute, bandwidth, launch)


class StreamCosts:
    """Times [s] of updates, additions and copies on a device: what a rank needs that does nothing but communicate.

    Parameters
    ----------
    device : Device
    precision : str
        Of storage.
    bandwidth : float
        What the memory that the arrays live in achieves [B/s].
    cores : int, optional
        Of a group of the device's cores; all of them if None.
    """

    def __init__(self, device: Device, precision: str, bandwidth: float, cores: int | None = None) -> None:
        if precision not in device.peak:
            raise UnknownNameError(f"precision of device {device.name}", precision, map(str, device.peak))
        self.device = device
        self.bandwidth = bandwidth
        self._precision = precision
        self._element_size = element_size(precision)
        self._streaming = replace(device_rates(device, cores), bandwidth=bandwidth)
        self._kernels = kernel_model_of(device, cores)
        self._streams: dict[tuple[str, float, float], float] = {}

    def update(self, elements: int, arrays: int, writes: int) -> float:
        """A rule that streams `arrays` arrays of `elements` elements and writes `writes` of them back."""
        return self._stream("update", float(arrays * elements), float(writes * elements))

    def add(self, elements: int) -> float:
        """The addition of an array of so many elements to another, as in a reduction."""
        known = self._kernels is not None and "addition" in self._kernels.elementwise
        return self._stream("addition" if known else "update", 2.0 * elements, float(elements))

    def copy(self, size: float) -> float:
        """A copy of `size` bytes inside the device's memory."""
        return self._stream("copy", size / self._element_size, size / self._element_size)

    def stream(self, read: float, written: float) -> float:
        """A kernel that reads `read` bytes of the device's memory and writes `written`."""
        return self._stream("update", read / self._element_size, written / self._element_size)

    def _stream(self, name: str, read: float, written: float) -> float:
        key = (name, read, written)
        if key not in self._streams:
            kernel = Elementwise(name, read, written)
            if self._kernels is not None and name in self._kernels.elementwise:
                self._streams[key] = self._kernels.time(kernel, self._precision)
            else:
                self._streams[key] = elementwise_time(kernel, self._streaming, self._precision)
        return self._streams[key]


class DeviceCosts(StreamCosts):
    """Times [s] of one rank's arithmetic on its device; see `simulator.execution.costs.ComputeCosts`.

    Parameters
    ----------
    device : Device
    network : Network
        What gradients are computed of.
    precision : str
        Of arithmetic and storage.
    bandwidth : float
        What the memory that the working set lives in achieves [B/s].
    cores : int, optional
        Of a group of the device's cores; all of them if None.
    recomputed : container of str
        Layers whose forward pass runs once more in the backward pass.
    """

    def __init__(
        self,
        device: Device,
        network: Network,
        precision: str,
        bandwidth: float,
        cores: int | None = None,
        recomputed: Container[str] = (),
    ) -> None:
        super().__init__(device, precision, bandwidth, cores)
        self._recomputed = recomputed
        self._network = network
        self._gradients: dict[int, float] = {}
        self._parts: dict[int, tuple[float, tuple[float, ...]]] = {}
        self._order = {layer.name: place for place, layer in enumerate(network.layers)}

    def gradient(self, samples: int) -> float:
        """Forward and backward pass over `samples` samples, one kernel after the other."""
        if samples not in self._gradients:
            self._gradients[samples] = sum(seconds for _, seconds in self.layer_times(samples))
        return self._gradients[samples]

    def forward(self, samples: int) -> float:
        """The forward pass alone."""
        return self._passes(samples)[0]

    def backward(self, samples: int) -> tuple[float, ...]:
        """The backward pass, for each row of the network's parameter layout, from the next layer's gradient to its own.

        Layers without parameters count with the next that has some, the last of the pass with the last that had.
        """
        return self._passes(samples)[1]

    def _passes(self, samples: int) -> tuple[float, tuple[float, ...]]:
        if samples not in self._parts:
            forward = math.fsum(seconds for _, seconds in self.layer_times(samples, ("forward",)))
            names = [name for name, _ in self._network.parameter_layout()]
            ready = dict.fromkeys(reversed(names), 0.0)
            waiting = list(ready)
            for name, seconds in self.layer_times(samples, ("backward",)):
                while len(waiting) > 1 and self._order[name] < self._order[waiting[0]]:
                    waiting.pop(0)
                if waiting:
                    ready[waiting[0]] += seconds
            self._parts[samples] = forward, tuple(ready[name] for name in names)
        return self._parts[samples]

    def layer_times(
        self, samples: int, directions: Sequence[Direction] = ("forward", "backward")
    ) -> list[tuple[str, float]]:
        """(layer name, seconds) of every kernel of a forward and backward pass."""
        if self._kernels is None:
            raise UnknownNameError("kernel model for device", self.device.name, ())
        return [
            (item.layer_name, self._kernels.time(item.kernel, self._precision, bandwidth=self.bandwidth))
            for direction in directions
            for item in self._network.kernels(samples, direction, self._recomputed)
        ]
