"""Algorithms from a Python file of the user's own, named in a scenario by its path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.algorithms.registry import Algorithm

__all__ = ["algorithm_from_file"]


def algorithm_from_file(path: Path, where: str = "") -> Algorithm:
    """The one `Algorithm` that a file assigns to a module-level name.

    Raises
    ------
    InputError
        If there is no such file, it cannot be executed, or it does not hold exactly one algorithm of its own.
    """
    from simulator.algorithms.registry import Algorithm, bundled_algorithms

    prefix = f"{where}: " if where else ""
    if not path.is_file():
        raise InputError(f"{prefix}{path}: no such file; expected a Python file that assigns an Algorithm")
    module = _execute(path, prefix)
    # A file may build on a bundled algorithm; what it imports is not its own.
    bundled = {id(algorithm) for algorithm in bundled_algorithms().values()}
    found = [value for value in vars(module).values() if isinstance(value, Algorithm) and id(value) not in bundled]
    if len(found) != 1:
        names = ", ".join(algorithm.name for algorithm in found) or "none"
        raise InputError(f"{prefix}{path}: expected exactly one Algorithm, found {names}")
    return found[0]


def _execute(path: Path, prefix: str) -> ModuleType:
    name = f"clustersim_user_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise InputError(f"{prefix}{path}: expected a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses and pickles look their module up
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        line = getattr(error, "lineno", None)
        at = f" (line {line})" if line else ""
        raise InputError(f"{prefix}{path}: cannot be executed: {type(error).__name__}: {error}{at}") from None
    return module
