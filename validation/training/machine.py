"""What a real run ran on, in words and numbers: enough to judge it by, nothing that names a host or a user."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["describe_machine"]


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory, system, and the versions of what computes and sends."""
    described: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": _memory(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": _blas(),
    }
    mpi = _mpi()
    return {**described, "mpi": mpi} if mpi else described


def _processor() -> str:
    """The model's name, where the system tells it."""
    for line in _lines(Path("/proc/cpuinfo")):
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def _blas() -> str:
    """The library behind NumPy's matrix products."""
    with redirect_stdout(StringIO()):
        configuration: Any = np.show_config(mode="dicts")
    blas = configuration.get("Build Dependencies", {}).get("blas", {}) if isinstance(configuration, dict) else {}
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _mpi() -> str:
    """The MPI library, if this process has it loaded or one is installed as a package."""
    from importlib.metadata import PackageNotFoundError, version

    if "mpi4py.MPI" in sys.modules:
        return str(sys.modules["mpi4py.MPI"].Get_library_version()).splitlines()[0].strip("\x00 \t")
    try:
        return f"mpich {version('mpich')}, mpi4py {version('mpi4py')}"
    except PackageNotFoundError:
        return ""


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
