"""Learners by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from simulator.errors import UnknownNameError
from simulator.learning.data import LearningData
from simulator.learning.learner import Learner
from simulator.learning.networks import lenet, mlp, softmax

__all__ = ["learner_names", "load_learner"]

_BUILT_IN: MappingProxyType[str, Callable[..., Learner]] = MappingProxyType(
    {"softmax": softmax, "mlp": mlp, "lenet": lenet}
)


def learner_names() -> tuple[str, ...]:
    """Names of the built-in learners, the simplest first."""
    return tuple(_BUILT_IN)


def load_learner(name: str, data: LearningData, **options: Any) -> Learner:
    """The learner of that name, sized for `data`.

    Parameters
    ----------
    name : str
        ``"softmax"``, ``"mlp"``, ``"lenet"``, or ``"package.module:Factory"``: a `torch.nn.Module` class, or a
        function that makes one, called with `options` (see `simulator.learning.torch_loading`).
    data : LearningData
        Gives the shape of a sample and the number of classes.
    **options
        Of the network: see `simulator.learning.networks`.

    Raises
    ------
    UnknownNameError
        If there is no such learner, or it has no such option.
    InputError
        If an option has a wrong value, the samples do not suit the network, or a module cannot be had.
    """
    if ":" in name:
        from simulator.learning.torch_loading import load_module

        return load_module(name, data, options)
    if name not in _BUILT_IN:
        raise UnknownNameError("learner", name, _BUILT_IN)
    build = _BUILT_IN[name]
    known = [
        parameter.name
        for parameter in inspect.signature(build).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    for option in options:
        if option not in known:
            raise UnknownNameError(f"option of the learner {name}", option, known)
    return build(data.shape, data.classes, **options)
