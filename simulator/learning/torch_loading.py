"""Finding a `torch.nn.Module` by import path, with an error that says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from simulator.errors import InputError, suggestion
from simulator.learning.data import LearningData
from simulator.learning.torch_module import TorchLearner, first_line

__all__ = ["load_module"]


def load_module(path: str, data: LearningData, options: Mapping[str, Any]) -> TorchLearner:
    """The learner of ``package.module:Factory``, checked against the data.

    Raises
    ------
    InputError
        If PyTorch, the module or the factory is missing, the factory fails or makes no `torch.nn.Module`, the module
        does not turn such samples into one logit a class, or it changes its own state when it runs.
    """
    try:
        torch: Any = import_module("torch")
    except ImportError:
        raise InputError(f"{path}: needs PyTorch; install it with pip install 'clustersim[torch]'") from None
    factory = _factory(path)

    def make() -> Any:
        try:
            module = factory(**options)
        except Exception as error:
            raise InputError(f"{path}: cannot be built ({type(error).__name__}: {first_line(error)})") from error
        if not isinstance(module, torch.nn.Module):
            raise InputError(f"{path}: expected a torch.nn.Module, got {type(module).__name__}")
        return module.double()

    learner = TorchLearner(path, make)
    learner.probe(data)
    return learner


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
        raise InputError(f"{path}: importing {where} failed ({type(error).__name__}: {first_line(error)})") from error
    factory = getattr(module, name, None)
    if factory is None:
        names = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise InputError(f"{path}: {where} has no {name!r}{suggestion(name, names)}")
    if not callable(factory):
        raise InputError(f"{path}: expected a class or function, got {type(factory).__name__}")
    made: Callable[..., Any] = factory
    return made
