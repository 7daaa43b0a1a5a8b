"""A whole run in lockstep: as few steps as it takes to settle, one generator for as many ranks as it can stand for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.algorithms.rank import Task
from simulator.execution.lockstep.executor import LockstepExecutor
from simulator.execution.lockstep.fleets import TellsRanksApart
from simulator.execution.lockstep.outcome import Outcome
from simulator.execution.lockstep.settled import settled_step
from simulator.execution.memory import uncollected
from simulator.execution.repetition import Repetition
from simulator.execution.shortcuts import EQUAL_RANKS, LOCKSTEP, REPEATED_COLLECTIVES, SETTLED_STEPS, Shortcut
from simulator.execution.state import RankSetup
from simulator.execution.steady_state import shortened_lengths
from simulator.trace.spans import RankInfo

__all__ = ["LockstepRun", "run_in_lockstep"]


@dataclass(frozen=True)
class LockstepRun:
    """A run and how it was made.

    Attributes
    ----------
    outcome : Outcome
    simulated : int
        Steps that were simulated.
    steps_alike : bool
        Whether every rank has done the same in every step.
    shortcuts : tuple of Shortcut
        Those that belong to lockstep.
    """

    outcome: Outcome
    simulated: int
    steps_alike: bool
    shortcuts: tuple[Shortcut, ...]


def run_in_lockstep(
    task: Callable[[int], Task],
    setups: Callable[[], Sequence[RankSetup]],
    ranks: tuple[RankInfo, ...],
    steps: int,
    allowed: Collection[str],
    random: bool,
    **inputs: Any,
) -> LockstepRun:
    """Play a run of so many steps.

    Parameters
    ----------
    task : callable
        ``steps -> Task``, a new one each time.
    setups : callable
        The ranks' devices with their random streams at the beginning.
    ranks : tuple of RankInfo
    allowed : collection of str
        The shortcuts that may be taken.
    random : bool
        Whether steps differ by chance.
    **inputs
        Of `LockstepExecutor`.

    Raises
    ------
    Unsuited
        If the run has to be simulated event by event.
    """
    fold = EQUAL_RANKS in allowed

    def play(length: int) -> LockstepExecutor:
        nonlocal fold
        while True:
            executor = LockstepExecutor(
                task(length), setups(), fold=fold, repeat=REPEATED_COLLECTIVES in allowed, **inputs
            )
            try:
                with uncollected():
                    executor.run()
            except TellsRanksApart:
                fold = False
            else:
                executor.record = executor.record.in_order_of_steps()
                return executor

    def ended(executor: LockstepExecutor, repetition: Repetition) -> LockstepRun:
        outcome, length = Outcome(executor.record, ranks, repetition), steps - repetition.copies
        return LockstepRun(outcome, length, executor.steps_alike, _remarks(executor, fold, steps, length, random))

    for length in shortened_lengths(steps) if SETTLED_STEPS in allowed and not random else ():
        executor = play(length)
        if not executor.steps_alike:
            break
        repetition = settled_step(executor.record, length, steps - length)
        if repetition is not None:
            return ended(executor, repetition)
    return ended(play(steps), Repetition())


def _remarks(executor: LockstepExecutor, fold: bool, steps: int, length: int, random: bool) -> tuple[Shortcut, ...]:
    """What the shortcuts have saved."""
    record, ranks = executor.record, sum(len(fleet.ranks) for fleet in executor.fleets)
    fleets, played = len(executor.fleets), executor.collectives - executor.repeated
    collectives = f"{played:,} of {executor.collectives:,} collectives played"
    if executor.contended:
        collectives += f", {executor.contended:,} message by message: those of different rounds meet on links"
    saved = f"{steps - length:,} of {steps:,} steps"
    if length == steps:
        saved = "steps differ by chance" if random else "steps did not settle, or are too few"
    return (
        Shortcut(LOCKSTEP, True, f"{record.spans:,} spans in {len(record.batches):,} batches"),
        Shortcut(EQUAL_RANKS, fold, f"{fleets:,} {'generator' if fleets == 1 else 'generators'} for {ranks:,} ranks"),
        Shortcut(REPEATED_COLLECTIVES, executor.repeated > 0, collectives),
        Shortcut(SETTLED_STEPS, length < steps, saved),
    )
