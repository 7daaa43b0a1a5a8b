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

from simulator.errors import InputError, suggestion
from simulator.learning.data import Floats, Integers, LearningData
from simulator.learning.learner import Evaluation

__all__ = ["TorchLearner", "load_module"]

_CHUNK = 256
_PROBE = 2  #: samples sent through once, to see that the module suits the data


def load_module(path: str, data: LearningData, options: Mapping[str, Any]) -> TorchLearner:
    """The learner of ``package.module:Factory``, checked against the data.

    Raises
    ------
    InputError
        If PyTorch, the module or the factory is missing, the factory fails or makes no `torch.nn.Module`, the module
        does not turn such samples into one logit a class, or it changes its own state when it runs.
    """
    torch = _torch(path)
    factory = _factory(path)

    def make() -> Any:
        try:
            module = factory(**options)
        except Exception as error:
            raise InputError(f"{path}: cannot be built ({type(error).__name__}: {_line(error)})") from error
        if not isinstance(module, torch.nn.Module):
            raise InputError(f"{path}: expected a torch.nn.Module, got {type(module).__name__}")
        return module.double()

    learner = TorchLearner(path, make)
    learner.probe(data)
    return learner


class TorchLearner:
    """See `simulator.learning.learner.Learner` for the contract.

    Parameters
    ----------
    name : str
        Import path it came from.
    make : callable
        Makes a new, freshly initialised float64 module.
    """

    def __init__(self, name: str, make: Callable[[], Any]) -> None:
        self.name = name
        self._torch = _torch(name)
        self._make = make
        with self._seeded(0):
            self._module = make()
        parameters = dict(self._module.named_parameters())
        self._names = list(parameters)
        self._shapes = [tuple(parameter.shape) for parameter in parameters.values()]
        self._sizes = [parameter.numel() for parameter in parameters.values()]
        self._trained = [name for name, parameter in parameters.items() if parameter.requires_grad]
        if not self._trained:
            raise InputError(f"{name}: expected a module with parameters to train, got none")
        sizes = zip(self._names, self._sizes, strict=True)
        owners = groupby(sizes, key=lambda item: item[0].rpartition(".")[0])
        self.layout = tuple(sum(size for _, size in group) for _, group in owners)

    @property
    def elements(self) -> int:
        """Weights of all layers."""
        return sum(self._sizes)

    def initial(self, generator: np.random.Generator) -> Floats:
        """The module's own random initialisation, with a seed drawn from `generator`."""
        with self._seeded(int(generator.integers(2**63))):
            return self._flat([parameter.detach() for parameter in self._make().parameters()])

    def gradient(self, weights: Floats, inputs: Floats, labels: Integers) -> tuple[float, Floats]:
        """Mean loss in training mode, and its gradient; zero for parameters that are frozen or unused."""
        seed = zlib.crc32(np.ascontiguousarray(inputs).data, zlib.crc32(np.ascontiguousarray(weights).data))
        named = self._named(weights)
        for name in self._trained:
            named[name].requires_grad_(True)
        with self._seeded(seed):
            logits = self._run(named, inputs, training=True)
            loss = self._torch.nn.functional.cross_entropy(logits, self._tensor(labels))
            wanted = [named[name] for name in self._trained]
            gradients = self._torch.autograd.grad(loss, wanted, allow_unused=True)
        found = dict(zip(self._trained, gradients, strict=True))
        parts = [found.get(name) for name in self._names]
        zeros = self._torch.zeros_like
        return float(loss.detach()), self._flat(
            [zeros(named[name]) if part is None else part for name, part in zip(self._names, parts, strict=True)]
        )

    def evaluate(self, weights: Floats, inputs: Floats, labels: Integers) -> Evaluation:
        """Mean loss and accuracy in evaluation mode."""
        losses, correct = [], 0
        named = self._named(weights)
        with self._torch.no_grad(), self._seeded(0):
            for start in range(0, len(labels), _CHUNK):
                wanted = self._tensor(labels[start : start + _CHUNK])
                logits = self._run(named, inputs[start : start + _CHUNK], training=False)
                loss = self._torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
                correct += int(((logits.argmax(dim=1) == wanted) & ~loss.isnan()).sum())
                losses.append(loss.numpy())
        return Evaluation(float(np.concatenate(losses).mean()), correct / len(labels))

    def probe(self, data: LearningData) -> None:
        """Send a few samples through, to see that the module suits the data and keeps no state.

        Raises
        ------
        InputError
            If it does not.
        """
        before = {name: buffer.clone() for name, buffer in self._module.named_buffers()}
        named = self._named(self._flat([parameter.detach() for parameter in self._module.parameters()]))
        inputs = data.train_inputs[:_PROBE]
        try:
            with self._torch.no_grad(), self._seeded(0):
                logits = self._run(named, inputs, training=True, buffers=before)
        except Exception as error:
            raise InputError(
                f"{self.name}: fails on samples of shape {data.shape} ({type(error).__name__}: {_line(error)})"
            ) from error
        expected = (len(inputs), data.classes)
        found = tuple(getattr(logits, "shape", ()))
        if found != expected:
            raise InputError(f"{self.name}: expected logits of shape {expected} for {len(inputs)} samples, got {found}")
        for name, buffer in self._module.named_buffers():
            if not self._torch.equal(before[name], buffer):
                raise InputError(
                    f"{self.name}: changes its own buffer {name!r} while it trains, which a gradient that depends on "
                    "weights and samples alone cannot; use a layer without running statistics, such as GroupNorm"
                )

    def _run(
        self, named: Mapping[str, Any], inputs: Floats, *, training: bool, buffers: Mapping[str, Any] | None = None
    ) -> Any:
        self._module.train(training)
        state = {**named, **(buffers or {})}
        return self._torch.func.functional_call(self._module, state, (self._tensor(inputs),))

    def _tensor(self, array: Any) -> Any:
        # A copy: PyTorch warns of arrays that cannot be written to, and the data's cannot.
        return self._torch.tensor(array)

    def _named(self, weights: Floats) -> dict[str, Any]:
        if weights.shape != (self.elements,):
            raise ValueError(f"{self.name}: expected weights of shape ({self.elements},), got {weights.shape}")
        parts = self._torch.tensor(weights, dtype=self._torch.float64).split(self._sizes)
        return {
            name: part.reshape(shape).detach()
            for name, part, shape in zip(self._names, parts, self._shapes, strict=True)
        }

    def _flat(self, parts: list[Any]) -> Floats:
        return np.concatenate([part.reshape(-1).numpy() for part in parts])

    @contextmanager
    def _seeded(self, seed: int) -> Iterator[None]:
        """PyTorch's global generator seeded, and put back afterwards."""
        with self._torch.random.fork_rng(devices=[]):
            self._torch.random.default_generator.manual_seed(seed)
            yield


def _torch(path: str) -> Any:
    try:
        return import_module("torch")
    except ImportError:
        raise InputError(f"{path}: needs PyTorch; install it with pip install 'clustersim[torch]'") from None


def _factory(path: str) -> Callable[..., Any]:
    where, _, name = path.partition(":")
    if not where or not name:
        raise InputError(f"{path}: expected package.module:Factory")
    try:
        module = import_module(where)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{path}: no module named {error.name!r}; expected it installed or in a folder that PYTHONPATH lists"
        ) from None
    except Exception as error:
        raise InputError(f"{path}: importing {where} failed ({type(error).__name__}: {_line(error)})") from error
    factory = getattr(module, name, None)
    if factory is None:
        names = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise InputError(f"{path}: {where} has no {name!r}{suggestion(name, names)}")
    if not callable(factory):
        raise InputError(f"{path}: expected a class or function, got {type(factory).__name__}")
    return factory  # type: ignore[no-any-return]


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")
