"""Finished runs on disk, one JSON line each, found again by the content of their scenario.

A line is written and forced to disk as soon as its run is done, so a killed study loses nothing that was finished. A
last line that was cut off by the kill is ignored; its run is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.scenario import Scenario

__all__ = ["STORE_SCHEMA", "ResultStore", "scenario_key"]

STORE_SCHEMA = "clustersim/store/1"


def scenario_key(scenario: Scenario) -> str:
    """What makes a run what it is: all keys of the scenario, the files it names, and the version of the simulator.

    Of a file counts what is in it, not where it lies: a profile, overlay or algorithm that has been changed is another.
    """
    try:
        release = version("clustersim")
    except PackageNotFoundError:
        release = "source"
    tables = scenario.tables.model_dump(mode="json")
    content = json.dumps([release, _with_contents(tables, scenario.directory)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _with_contents(value: Any, directory: Path) -> Any:
    """`value` with a digest in place of each name of a file, and of the files that those name."""
    if isinstance(value, Mapping):
        return {key: _with_contents(inner, directory) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_contents(inner, directory) for inner in value]
    if not isinstance(value, str) or not value.endswith((".toml", ".py")):
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


class ResultStore:
    """The JSON results of finished runs, in a file that only grows.

    Parameters
    ----------
    path : Path
        Made if it does not exist.

    Raises
    ------
    InputError
        If the file cannot be read or written, or holds something else than finished runs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._results: dict[str, Mapping[str, Any]] = {}
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read as a store of runs ({error})") from None
        complete, _, cut_off = text.rpartition("\n")
        for number, line in enumerate(complete.splitlines(), start=1):
            key, result = self._entry(line, number)
            self._results[key] = result
        if cut_off:
            self._truncate(len(text.encode()) - len(cut_off.encode()))

    def __len__(self) -> int:
        return len(self._results)

    def get(self, scenario: Scenario) -> Mapping[str, Any] | None:
        """The result of a run that is finished, or None."""
        return self._results.get(scenario_key(scenario))

    def add(self, scenario: Scenario, result: Mapping[str, Any]) -> None:
        """Keep the result of a finished run."""
        key = scenario_key(scenario)
        line = json.dumps({"schema": STORE_SCHEMA, "key": key, "result": result}, allow_nan=False)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror or error})") from None
        self._results[key] = result

    def _entry(self, line: str, number: int) -> tuple[str, Mapping[str, Any]]:
        try:
            entry = json.loads(line)
            if entry["schema"] != STORE_SCHEMA:
                raise ValueError(f"schema {entry['schema']!r}")
            return str(entry["key"]), dict(entry["result"])
        except (ValueError, KeyError, TypeError) as error:
            problem = f"line {number} is no finished run ({error})"
            raise InputError(f"{self.path}: {problem}; expected lines with schema {STORE_SCHEMA!r}") from None

    def _truncate(self, size: int) -> None:
        try:
            with self.path.open("r+b") as file:
                file.truncate(size)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror or error})") from None
