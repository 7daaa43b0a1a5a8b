"""How much memory a device needs to train a network, and so how large a batch fits.

What is assumed, part by part:

weights, gradients, optimizer, copies, messages
    Arrays of the parameters' size that the algorithm holds at once, as many as it declares
    (`simulator.algorithms.holdings`).
master_weights
    Where weights are stored in 16 bits or fewer: one copy in single precision, which is what updates are made to
    (Micikevicius et al. 2018, "Mixed precision training"). Optimizer state is then in single precision, too.
activations, activation_gradients
    At the worst moment of the backward pass: the values that it still reads, and the gradients of values that it has
    made but not used; see `simulator.workload.activations`. With ``recompute`` only values between segments are kept
    from the forward pass. Frameworks that free nothing (Caffe) need both in full: ``free_nothing=True``.
batch
    The network's input, twice where the next batch is copied in meanwhile (``input_buffers=2``).
dataset
    One whole copy where it stays on the device, as in the paper's partition of a KNL chip.
workspace
    Scratch memory of convolution by matrix product (im2col), shared by all layers: the unfolded input of one sample for
    the layer that needs most. Libraries that pick faster algorithms (FFT, Winograd) may take as much as they are
    allowed: pass that limit in bytes.
runtime
    What driver, kernels and libraries of the process keep on the device, from its profile.

Compared with published measurements in docs/memory.md.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypedDict, Unpack

from simulator.errors import InputError
from simulator.workload.activations import Held
from simulator.workload.datasets import Dataset
from simulator.workload.network import Network

__all__ = ["MemoryNeed", "MemoryOptions", "largest_batch", "memory_needed"]

#: Bytes of a number that is kept in single precision whatever the rest is stored in.
_SINGLE = 4


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes needed on one device, by what they hold; the module's docstring says what each part assumes."""

    weights: int = 0
    master_weights: int = 0
    gradients: int = 0
    optimizer: int = 0
    copies: int = 0
    messages: int = 0
    activations: int = 0
    activation_gradients: int = 0
    batch: int = 0
    dataset: int = 0
    workspace: int = 0
    runtime: int = 0

    @cached_property
    def total(self) -> int:
        """All parts together [bytes]."""
        return sum(self.parts().values())

    def parts(self) -> dict[str, int]:
        """Part name to bytes, in the order of the fields."""
        return {name: getattr(self, name) for name in _PARTS}

    def __add__(self, other: MemoryNeed) -> MemoryNeed:
        """What both need who share a device."""
        return MemoryNeed(**{name: size + getattr(other, name) for name, size in self.parts().items()})


_PARTS = tuple(field.name for field in fields(MemoryNeed))


class MemoryOptions(TypedDict, total=False):
    """What decides about the memory of a device beside network and batch.

    Attributes
    ----------
    weights, gradients, optimizer, copies, messages : float
        Arrays as large as the parameters that live here; 1, 1, 0, 0, 0 by default.
    element_size : int
        Bytes of one number; 4 by default.
    dataset : Dataset or None
        A data set of which one whole copy stays here.
    input_buffers : int
        Batches held at once; 1 by default.
    recompute : bool
        Whether segments of the forward pass run twice, so that fewer values are kept.
    free_nothing : bool
        Whether all activations and their gradients are held at once.
    workspace : int or None
        Scratch memory [bytes]; by default one sample's unfolded input.
    runtime : float
        What the process takes of the device before it allocates anything [bytes]; 0 by default.
    """

    weights: float
    gradients: float
    optimizer: float
    copies: float
    messages: float
    element_size: int
    dataset: Dataset | None
    input_buffers: int
    recompute: bool
    free_nothing: bool
    workspace: int | None
    runtime: float


def memory_needed(network: Network, batch: int, **options: Unpack[MemoryOptions]) -> MemoryNeed:
    """Memory [bytes] one device needs for training steps of `batch` samples, 0 where it only keeps parameters.

    Parameters
    ----------
    network : Network
    batch : int
        Samples per step on this device.
    **options
        See `MemoryOptions`.

    Raises
    ------
    InputError
        If a count is negative, or recomputation is asked for where it saves nothing.
    """
    for key, count in {"batch": batch, **options}.items():
        if isinstance(count, int | float) and count < 0:
            raise InputError(f"memory of network {network.name!r}: {key}: expected at least 0, got {count}")
    size = options.get("element_size", _SINGLE)
    parameters, optimizer_size = network.parameters, max(size, _SINGLE)
    held = _held(network, options)
    dataset, workspace = options.get("dataset"), options.get("workspace")
    if workspace is None:
        columns = max((layer.column_elements for layer in network.layers), default=0)
        workspace = columns * size if batch else 0
    return MemoryNeed(
        weights=round(options.get("weights", 1.0) * parameters * size),
        master_weights=parameters * _SINGLE if size < _SINGLE and options.get("weights", 1.0) else 0,
        gradients=round(options.get("gradients", 1.0) * parameters * size),
        optimizer=round(options.get("optimizer", 0.0) * parameters * optimizer_size),
        copies=round(options.get("copies", 0.0) * parameters * size),
        messages=round(options.get("messages", 0.0) * parameters * size),
        activations=batch * held.activations * size,
        activation_gradients=batch * held.gradients * size,
        batch=options.get("input_buffers", 1) * batch * network.input_elements * size,
        dataset=dataset.stored_bytes if dataset else 0,
        workspace=workspace,
        runtime=round(options.get("runtime", 0.0)),
    )


def _held(network: Network, options: MemoryOptions) -> Held:
    if options.get("free_nothing"):
        everything = network.activation_elements()
        return Held(everything, max(everything, network.worst_moment.gradients))
    if not options.get("recompute"):
        return network.worst_moment
    if network.recomputation is None:
        raise InputError(f"memory of network {network.name!r}: recompute: there is nothing that it would save")
    return network.recomputation.held


def largest_batch(network: Network, capacity: float, **options: Unpack[MemoryOptions]) -> int:
    """The most samples per step that fit in `capacity` bytes; 0 when not even one does.

    The need grows in proportion to the batch, up to rounding, so two of them say where it meets the capacity.
    """

    def fits(batch: int) -> bool:
        return memory_needed(network, batch, **options).total <= capacity

    if not fits(1):
        return 0
    one, two = (memory_needed(network, batch, **options).total for batch in (1, 2))
    return int((capacity - one) // (two - one)) + 1
