"""What a run was made on: enough to judge the times, nothing that names the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["commit", "load", "machine"]


def machine() -> dict[str, Any]:
    """Cores, processor, memory, operating system, Python."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def load() -> float:
    """Processes that ran or waited to run in the last minute, on average."""
    return round(os.getloadavg()[0], 2)


def commit() -> str:
    """The commit of this tree, with a ``+`` if tracked files have been changed since; empty outside a repository."""
    named = _git("rev-parse", "--short=10", "HEAD")
    return named + ("+" if named and _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    """The model, with family and number where the name alone says little."""
    described = Path("/proc/cpuinfo")
    if not described.exists():
        return platform.processor() or platform.machine()
    facts = {}
    for line in described.read_text().splitlines():
        what, _, value = line.partition(":")
        facts[what.strip()] = value.strip()
    name = facts.get("model name", platform.machine())
    return f"{name}, family {facts['cpu family']} model {facts['model']}" if "cpu family" in facts else name
