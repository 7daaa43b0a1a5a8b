"""Overlays as TOML text, written so that a reader sees the parameters first and a crash leaves the old file whole."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from simulator.calibration.overlay import Overlay
from simulator.errors import InputError

__all__ = ["overlay_text", "write_overlay"]


def overlay_text(overlay: Overlay) -> str:
    """The TOML document that `simulator.calibration.overlay.load_overlay` reads."""
    lines = [f"# Calibration of {overlay.system}, written by 'clustersim calibrate'. Use: [calibration] overlay = …"]
    head = overlay.model_dump(
        by_alias=True, include={"schema_version", "name", "system", "scenarios", "date", "version"}
    )
    lines += [f"{key} = {_value(value)}" for key, value in head.items()]
    for name, parameter in overlay.parameters.items():
        lines += ["", f"[parameters.{json.dumps(name)}]", *_keys(parameter.model_dump(exclude_none=True))]
    if overlay.correlation.names:
        rows = ",\n".join(f"    {_value(row)}" for row in overlay.correlation.matrix)
        lines += ["", "[correlation]", f"names = {_value(overlay.correlation.names)}", f"matrix = [\n{rows},\n]"]
    if overlay.residual_scatter:
        lines += ["", "[residual_scatter]", *_keys(overlay.residual_scatter)]
    if overlay.fit is not None:
        lines += ["", "[fit]", *_keys(overlay.fit.model_dump())]
    for source in overlay.traces:
        lines += ["", "[[traces]]", *_keys(source.model_dump())]
    return "\n".join(lines) + "\n"


def _keys(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items()]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_value(each) for each in value)}]"
    return str(value)


def write_overlay(overlay: Overlay, path: Path) -> None:
    """Write an overlay, as a whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(overlay_text(overlay))
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
