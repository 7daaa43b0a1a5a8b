"""What makes a run what it is: a digest of a scenario's content."""

from __future__ import annotations

import functools
import hashlib
import json
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from simulator.scenario import Scenario

__all__ = ["release", "scenario_key"]


@functools.cache
def release() -> str:
    """The version of this program, or "source" where it is not installed."""
    try:
        return version("clustersim")
    except PackageNotFoundError:
        return "source"


def scenario_key(scenario: Scenario) -> str:
    """What makes a run what it is: all keys of the scenario, the files it names, and the version of the simulator.

    Of a file counts what is in it, not where it lies: a profile, overlay or algorithm that has been changed is another.
    """
    tables = scenario.tables.model_dump(mode="json")
    content = json.dumps([release(), _with_contents(tables, scenario.directory)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _with_contents(value: Any, directory: Path) -> Any:
    """`value` with a digest in place of each name of a file, and of the files that those name."""
    if isinstance(value, Mapping):
        return {key: _with_contents(inner, directory) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_contents(inner, directory) for inner in value]
    if not isinstance(value, str) or not value.endswith((".toml", ".py", ".npz")):
        return value
    path = next((path for path in (directory / value, Path(value)) if path.is_file()), None)
    if path is None:
        return value
    try:
        data = path.read_bytes()
        named = _with_contents(tomllib.loads(data.decode()), path.parent) if path.suffix == ".toml" else None
    except (OSError, ValueError):
        return value  # whoever loads it will say what is wrong with it
    return [hashlib.sha256(data).hexdigest(), named]
