"""Ranks that do the same, driven by one generator.

An algorithm tells a rank from its equals only by asking for its index, directly or through its random streams, its
master or its client. A generator that never asks does the same for every rank with its program and its kind of
device; one run of it stands for all of them. Times still belong to each rank.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.vocabulary import Handle, Operation
from simulator.execution.lockstep.patterns import Integers
from simulator.execution.state import RankSetup

__all__ = ["Fleet", "TellsRanksApart", "fleets_of"]


class TellsRanksApart(Exception):
    """A program asks who it is, so every rank needs a generator of its own."""


class _AnyRank(Rank):
    """A rank that stands for several."""

    @property
    def index(self) -> int:
        """Refused: it has none."""
        raise TellsRanksApart

    @index.setter
    def index(self, value: int) -> None:
        pass


@dataclass(eq=False)
class Fleet:
    """Ranks that one generator stands for.

    Attributes
    ----------
    ranks : array of int
    rank : Rank
        What the generator sees.
    value : object
        What it is sent next.
    joining : tuple of Handle
        What it waits for; empty while it goes on.
    collectives : int
        How many it has begun.
    step : int
        The step that it is in.
    """

    ranks: Integers
    rank: Rank
    program: Generator[Operation, Any, None]
    value: Any = None
    joining: tuple[Handle, ...] = ()
    collectives: int = 0
    step: int = 0


def fleets_of(task: Task, setups: Sequence[RankSetup], fold: bool) -> list[Fleet]:
    """A fleet for all ranks of one kind, or for every rank."""
    if not fold:
        made = []
        for index, setup in enumerate(setups):
            rank = Rank(index, setup.role, task)
            made.append(Fleet(np.array([index]), rank, setup.program(rank)))
        return made
    kinds: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for index, setup in enumerate(setups):
        kinds[setup.program, setup.role, setup.batch_size].append(index)
    made = []
    for (program, role, _), members in kinds.items():
        rank = _AnyRank(-1, role, task)
        made.append(Fleet(np.array(members), rank, program(rank)))
    return made
