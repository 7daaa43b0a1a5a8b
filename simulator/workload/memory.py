"""How much memory a device needs to train a network, and so how large a batch fits.

What is assumed, part by part:

weights, gradients, optimizer
    As many copies as the algorithm keeps there, each `Network.parameter_bytes`. Momentum is one optimizer copy, Adam
    two; EASGD adds a copy of the centre to the weights where it lives.
activations
    Every layer's output is kept from the forward for the backward pass, and so are dropout masks, winners of maximum
    pooling, LRN sums and attention probabilities. A ReLU, sigmoid, tanh or dropout overwrites its input when it is
    that input's only reader. No recomputation, no offloading.
activation_gradients
    Gradients of activations live only until the layer before has used them: the inputs and output of the largest layer.
    Frameworks that keep them all (Caffe) need another `activations`: pass ``keep_activation_gradients=True``.
batch
    The network's input, twice where the next batch is copied in meanwhile (``input_buffers=2``).
dataset
    One whole copy where it stays on the device, as in the paper's partition of a KNL chip.
workspace
    Scratch memory of convolution by matrix product (im2col), shared by all layers: the unfolded input of one sample for
    the layer that needs most. Libraries that pick faster algorithms (FFT, Winograd) may take as much as they are
    allowed: pass that limit in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from simulator.errors import InputError
from simulator.workload.datasets import Dataset
from simulator.workload.network import Network

__all__ = ["MemoryNeed", "largest_batch", "memory_needed"]


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes needed on one device, by what they hold; the module's docstring says what each part assumes."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    activation_gradients: int
    batch: int
    dataset: int
    workspace: int

    @property
    def total(self) -> int:
        """All parts together [bytes]."""
        return sum(self.parts().values())

    def parts(self) -> dict[str, int]:
        """Part name to bytes, in the order of the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def memory_needed(
    network: Network,
    batch: int,
    *,
    weight_copies: int = 1,
    gradient_copies: int = 1,
    optimizer_copies: int = 0,
    element_size: int = 4,
    dataset: Dataset | None = None,
    input_buffers: int = 1,
    keep_activation_gradients: bool = False,
    workspace: int | None = None,
) -> MemoryNeed:
    """Memory [bytes] one device needs for training steps of `batch` samples.

    Parameters
    ----------
    network : Network
    batch : int
        Samples per step on this device; 0 where a device only keeps parameters.
    weight_copies, gradient_copies, optimizer_copies : int
        Arrays as large as the parameters that live here.
    element_size : int
        Bytes of one number.
    dataset : Dataset, optional
        A data set of which one whole copy stays here.
    input_buffers : int
        Batches held at once.
    keep_activation_gradients : bool
        Whether the gradients of all activations are kept at once.
    workspace : int, optional
        Scratch memory [bytes]; by default one sample's unfolded input.

    Raises
    ------
    InputError
        If a count is negative.
    """
    counts = {
        "batch": batch,
        "weight_copies": weight_copies,
        "gradient_copies": gradient_copies,
        "optimizer_copies": optimizer_copies,
        "input_buffers": input_buffers,
        "workspace": workspace or 0,
    }
    for key, value in counts.items():
        if value < 0:
            raise InputError(f"memory of network {network.name!r}: {key}: expected at least 0, got {value}")
    parameters = network.parameter_bytes(element_size)
    activations = network.activation_bytes(batch, element_size)
    if workspace is None:
        columns = max((layer.column_elements for layer in network.layers), default=0)
        workspace = columns * element_size if batch else 0
    largest_pair = batch * network.largest_activation_elements() * element_size
    return MemoryNeed(
        weights=weight_copies * parameters,
        gradients=gradient_copies * parameters,
        optimizer=optimizer_copies * parameters,
        activations=activations,
        activation_gradients=max(activations, largest_pair) if keep_activation_gradients else largest_pair,
        batch=input_buffers * batch * network.input_elements * element_size,
        dataset=dataset.stored_bytes if dataset else 0,
        workspace=workspace,
    )


def largest_batch(
    network: Network,
    capacity: float,
    *,
    weight_copies: int = 1,
    gradient_copies: int = 1,
    optimizer_copies: int = 0,
    element_size: int = 4,
    dataset: Dataset | None = None,
    input_buffers: int = 1,
    keep_activation_gradients: bool = False,
    workspace: int | None = None,
) -> int:
    """The most samples per step that fit in `capacity` bytes; 0 when not even one does.

    The other parameters are those of `memory_needed`.
    """

    def fits(batch: int) -> bool:
        need = memory_needed(
            network,
            batch,
            weight_copies=weight_copies,
            gradient_copies=gradient_copies,
            optimizer_copies=optimizer_copies,
            element_size=element_size,
            dataset=dataset,
            input_buffers=input_buffers,
            keep_activation_gradients=keep_activation_gradients,
            workspace=workspace,
        )
        return need.total <= capacity

    if not fits(1):
        return 0
    too_large = 2
    while fits(too_large):
        too_large *= 2
    fitting = too_large // 2
    while too_large - fitting > 1:  # the need grows with the batch, so halve the interval
        middle = (fitting + too_large) // 2
        fitting, too_large = (middle, too_large) if fits(middle) else (fitting, middle)
    return fitting
