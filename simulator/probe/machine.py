"""What a machine says of itself, without names of hosts or users."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Machine", "this_machine"]

_CPUINFO, _MEMINFO = Path("/proc/cpuinfo"), Path("/proc/meminfo")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 2.0**10, "M": 2.0**20, "G": 2.0**30}


@dataclass(frozen=True)
class Machine:
    """A computer as its operating system describes it.

    Attributes
    ----------
    processor, vendor : str
    cores : int
        Those that this process may use.
    sockets : int
    memory : float
        [bytes]; 0 if unknown.
    cache : float
        Of the last level [bytes]; 0 if unknown.
    clock : float
        [Hz]; 0 if unknown.
    """

    processor: str
    vendor: str
    cores: int
    sockets: int
    memory: float
    cache: float
    clock: float


def this_machine() -> Machine:
    """The machine that this process runs on."""
    facts = dict(_pairs(_CPUINFO))
    sockets = {value for key, value in _pairs(_CPUINFO) if key == "physical id"}
    megahertz = facts.get("cpu MHz", "")
    return Machine(
        processor=facts.get("model name") or platform.processor() or platform.machine(),
        vendor=facts.get("vendor_id", "unknown"),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        sockets=max(len(sockets), 1),
        memory=_size(dict(_pairs(_MEMINFO)).get("MemTotal", "")),
        cache=max((_size(_text(path)) for path in _CACHES.glob("index*/size")), default=0.0),
        clock=float(megahertz) * 1e6 if re.fullmatch(r"\d+(\.\d+)?", megahertz) else 0.0,
    )


def _size(text: str) -> float:
    """Bytes of ``"32K"`` or ``"16384 kB"``; 0 of anything else."""
    found = re.fullmatch(r"(\d+)\s*([KMG])?B?", text.strip().upper())
    return float(found[1]) * _UNITS.get(found[2] or "", 1.0) if found else 0.0


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    for line in _text(path).splitlines():
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip(), value.strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
