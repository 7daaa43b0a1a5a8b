"""SimGrid's C++ interface with the benchmarks' workloads, where it is installed; its driver is compiled on demand.

SimGrid is configured as plain max-min sharing, as `validation.peers` has it, under both ways of updating rates:
*full*, all at every change, and *lazy*, its default, only what a change touches. Lazy is quicker with many actors, full
with many flows; lazy was seen to be wrong where flows cross several contended links. So both are run, and of those that
agree with our times the quicker one is what our time is set against.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.isolation import answer
from benchmarks.measurement import Measurement
from benchmarks.workloads import Workload
from simulator.errors import RunError
from validation.peers.simgrid_process import CONFIGURATION

__all__ = ["HOW_TO_INSTALL", "UPDATES", "SimGrid", "find_simgrid"]

HOW_TO_INSTALL = (
    "SimGrid's C++ interface is not here: on Debian and Ubuntu, apt install libsimgrid-dev g++. Our times are set "
    "against those that were seen of SimGrid 4.1 on two other cores."
)

_SOURCE = Path(__file__).with_name("simgrid_driver.cpp")

#: Ways of updating rates, by SimGrid's names.
UPDATES = ("Full", "Lazy")


@dataclass(frozen=True)
class SimGrid:
    """The compiled driver, and the version it was compiled for."""

    driver: Path
    version: str

    def run(self, workload: Workload, update: str, limit: float) -> Measurement:
        """Play a workload once.

        Raises
        ------
        RunError
            If SimGrid fails or takes longer than `limit` seconds.
        """
        asked = workload.asked()
        if asked is None:
            raise RunError("it is not asked this")
        configuration: Mapping[str, str] = {**CONFIGURATION, "network/optim": update}
        options = [f"--cfg={key}:{value}" for key, value in configuration.items()]
        command = [str(self.driver), *asked.arguments, "--log=root.thresh:error", *options]
        return Measurement.of(answer(command, asked.text, limit))


def find_simgrid() -> SimGrid | None:
    """SimGrid, with the driver compiled; None where there is no compiler or no SimGrid to compile against.

    The driver lies in a cache folder (``XDG_CACHE_HOME``, else ``~/.cache``); a changed source is compiled anew.
    """
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        return None
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clustersim"
    driver = folder / f"simgrid-driver-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:12]}"
    if not _compiled(compiler, driver):
        return None
    version = subprocess.run([driver, "version"], capture_output=True, text=True, check=False)
    return SimGrid(driver, version.stdout.strip()) if version.returncode == 0 else None


def _compiled(compiler: str, driver: Path) -> bool:
    if driver.exists():
        return True
    driver.parent.mkdir(parents=True, exist_ok=True)
    unfinished = driver.with_suffix(f".{os.getpid()}")
    command = [compiler, "-O2", "-std=c++17", "-o", str(unfinished), str(_SOURCE), "-lsimgrid"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return False
    unfinished.replace(driver)
    return True
