"""Any `torch.nn.Module` as a learner: its parameters as one flat float64 array.

The module runs on the CPU in float64. Random layers (dropout) draw from a stream seeded by the arguments, so that the
gradient remains a pure function of them; layers that change themselves while they train (batch normalisation with
running statistics) cannot be one, and are refused.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import groupby
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.learning.data import Floats, Integers, LearningData
from simulator.learning.learner import Evaluation

__all__ = ["TorchLearner", "first_line"]

_CHUNK = 256  #: samples evaluated at once
_PROBE = 2  #: samples sent through once, to see that the module suits the data


class TorchLearner:
    """See `simulator.learning.learner.Learner` for the contract.

    Parameters
    ----------
    name : str
        Import path the module came from.
    make : callable
        Makes a new, freshly initialised float64 module.

    Raises
    ------
    InputError
        If the module has nothing to train.
    """

    def __init__(self, name: str, make: Callable[[], Any]) -> None:
        self.name = name
        self._torch: Any = import_module("torch")
        self._make = make
        with self._seeded(0):
            self._module = make()
        # A parameter that two layers share is listed, and trained, once.
        parameters = dict(self._module.named_parameters())
        self._shapes = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
        self._sizes = [parameter.numel() for parameter in parameters.values()]
        self._trained = [name for name, parameter in parameters.items() if parameter.requires_grad]
        if not self._trained:
            raise InputError(f"{name}: expected a module with parameters to train, got none")
        owners = groupby(zip(parameters, self._sizes, strict=True), key=lambda item: item[0].rpartition(".")[0])
        self.layout = tuple(sum(size for _, size in group) for _, group in owners)

    @property
    def elements(self) -> int:
        """Weights of all layers."""
        return sum(self._sizes)

    def initial(self, generator: np.random.Generator) -> Floats:
        """The module's own random initialisation, with a seed drawn from `generator`."""
        with self._seeded(int(generator.integers(2**63))):
            return self._flat(self._make().parameters())

    def gradient(self, weights: Floats, inputs: Floats, labels: Integers) -> tuple[float, Floats]:
        """Mean loss in training mode, and its gradient; zero for parameters that are frozen or unused."""
        named = self._named(weights)
        for name in self._trained:
            named[name].requires_grad_(True)
        with self._seeded(_fingerprint(weights, inputs)):
            logits = self._run(named, inputs, training=True)
            loss = self._torch.nn.functional.cross_entropy(logits, self._torch.tensor(labels))
            leaves = [named[name] for name in self._trained]
            parts = self._torch.autograd.grad(loss, leaves, allow_unused=True)
        found = {name: part for name, part in zip(self._trained, parts, strict=True) if part is not None}
        zeros = self._torch.zeros_like
        return float(loss.detach()), self._flat(
            [found[name] if name in found else zeros(array) for name, array in named.items()]
        )

    def evaluate(self, weights: Floats, inputs: Floats, labels: Integers) -> Evaluation:
        """Mean loss and accuracy in evaluation mode."""
        losses, correct = [], 0
        named = self._named(weights)
        with self._torch.no_grad(), self._seeded(0):
            for start in range(0, len(labels), _CHUNK):
                expected = self._torch.tensor(labels[start : start + _CHUNK])
                logits = self._run(named, inputs[start : start + _CHUNK], training=False)
                loss = self._torch.nn.functional.cross_entropy(logits, expected, reduction="none")
                correct += int(((logits.argmax(dim=1) == expected) & ~loss.isnan()).sum())
                losses.append(loss.numpy())
        return Evaluation(float(np.concatenate(losses).mean()), correct / len(labels))

    def products(self, data: LearningData) -> list[tuple[str, int, int, int, int]]:
        """(name, parameters, rows, columns, positions) of each layer that has parameters, in the order of `layout`.

        A layer's work on one sample is a matrix of rows × columns applied at so many positions: the output's pixels
        for a convolution, its tokens for a linear layer. What has no weight matrix counts as one number at each output.
        """
        sizes: dict[str, int] = {}

        def hook(name: str) -> Callable[..., None]:
            def note(module: Any, inputs: Any, output: Any) -> None:
                sizes[name] = sizes.get(name, 0) + output[0].numel()

            return note

        handles = [module.register_forward_hook(hook(name)) for name, module in self._module.named_modules()]
        try:
            with self._torch.no_grad(), self._seeded(0):
                self._run(self._named(self._flat(self._module.parameters())), data.train_inputs[:1], training=False)
        finally:
            for handle in handles:
                handle.remove()
        found = []
        owners = groupby(
            zip(self._shapes.items(), self._sizes, strict=True), key=lambda item: item[0][0].rpartition(".")[0]
        )
        for owner, group in owners:
            members = list(group)
            shape = next((shape for (_, shape), _ in members if len(shape) > 1), (1, 1))
            rows, columns = shape[0], int(np.prod(shape[1:]))
            found.append(
                (
                    owner or "module",
                    sum(size for _, size in members),
                    rows,
                    columns,
                    max(1, sizes.get(owner, 0) // rows),
                )
            )
        return found

    def probe(self, data: LearningData) -> None:
        """Send a few samples through, to see that the module suits the data and keeps no state.

        Raises
        ------
        InputError
            If it fails on them, does not give one logit a class, or changes a buffer of its own.
        """
        inputs = data.train_inputs[:_PROBE]
        buffers = {name: buffer.clone() for name, buffer in self._module.named_buffers()}
        try:
            with self._torch.no_grad(), self._seeded(0):
                logits = self._run({**self._named(self._flat(self._module.parameters())), **buffers}, inputs)
        except Exception as error:
            problem = f"{type(error).__name__}: {first_line(error)}"
            raise InputError(f"{self.name}: fails on samples of shape {data.shape} ({problem})") from error
        expected, found = (len(inputs), data.classes), tuple(getattr(logits, "shape", ()))
        if found != expected:
            raise InputError(f"{self.name}: expected logits of shape {expected} for {len(inputs)} samples, got {found}")
        for name, buffer in self._module.named_buffers():
            if not self._torch.equal(buffers[name], buffer):
                raise InputError(
                    f"{self.name}: changes its buffer {name!r} while it trains, but a gradient must depend on weights "
                    "and samples alone; use a layer without running statistics, such as GroupNorm"
                )

    def _run(self, state: Mapping[str, Any], inputs: Floats, training: bool = True) -> Any:
        self._module.train(training)
        # A copy: PyTorch warns of arrays that cannot be written to, and the data's cannot.
        samples = self._torch.tensor(inputs, dtype=self._torch.float64)
        return self._torch.func.functional_call(self._module, dict(state), (samples,))

    def _named(self, weights: Floats) -> dict[str, Any]:
        if weights.shape != (self.elements,):
            raise ValueError(f"{self.name}: expected weights of shape ({self.elements},), got {weights.shape}")
        parts = self._torch.tensor(weights, dtype=self._torch.float64).split(self._sizes)
        return {name: part.reshape(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}

    def _flat(self, parts: Any) -> Floats:
        return np.concatenate([part.detach().reshape(-1).numpy() for part in parts])

    @contextmanager
    def _seeded(self, seed: int) -> Iterator[None]:
        """PyTorch's global generator seeded, and put back afterwards."""
        with self._torch.random.fork_rng(devices=[]):
            self._torch.random.default_generator.manual_seed(seed)
            yield


def first_line(error: Exception) -> str:
    """The first line of an error's message, which is all that fits into ours."""
    return next(iter(str(error).splitlines()), "")


def _fingerprint(*arrays: Floats) -> int:
    """A number that depends on every byte of the arrays."""
    checksum = 0
    for array in arrays:
        checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
    return checksum
