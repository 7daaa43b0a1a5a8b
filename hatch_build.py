"""Builds the optional compiled help, `clustersim_native`, along with the package.

Where there is no C compiler, or no headers of Python, the package is built without it, and works the same.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

#: One rounding for each operation, as in Python, also where the processor could do two operations with one.
_COMPILE_ARGUMENTS = ["/O2", "/fp:precise"] if sys.platform == "win32" else ["-O2", "-ffp-contract=off"]


class NativeBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the extension module beside the packages in the wheel, or into the environment of an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build and add it."""
        self._folder = tempfile.TemporaryDirectory()
        try:
            module = _build(Path(self.root) / "native" / "clustersim_native.c", Path(self._folder.name))
        except Exception as error:  # of any kind: the compiler's, setuptools' and the system's
            self.app.display_warning(f"clustersim_native is left out, as it cannot be compiled here: {error}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include_editable" if version == "editable" else "force_include"][str(module)] = module.name

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel has its copy."""
        self._folder.cleanup()


def _build(source: Path, folder: Path) -> Path:
    """Compile one file; returns the extension module."""
    extension = Extension(source.stem, [str(source)], extra_compile_args=_COMPILE_ARGUMENTS)
    command = build_ext(Distribution({"ext_modules": [extension]}))
    command.build_lib, command.build_temp = str(folder), str(folder / "objects")
    command.ensure_finalized()
    command.run()
    return Path(command.get_ext_fullpath(source.stem))
