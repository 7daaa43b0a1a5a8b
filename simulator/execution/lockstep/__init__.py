"""Synchronous runs played for all ranks at once; see `simulator.execution.lockstep.executor`."""

from simulator.execution.lockstep.run import LockstepRun, run_in_lockstep
from simulator.execution.lockstep.unsuited import Unsuited

__all__ = ["LockstepRun", "Unsuited", "run_in_lockstep"]
