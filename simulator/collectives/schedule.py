"""Schedules: which rank sends which elements to whom, round by round, and what that means.

A schedule is loosely synchronous. A rank starts its transfers of a round once all its own transfers of earlier rounds
are complete, additions included; it waits for nobody else. The transfers of one round that a rank takes part in proceed
together, and carry what the sender held when it started the round. Transfers between the same two ranks in the same
direction are matched in the order in which they stand in the schedule. As both ends of a transfer have it in the same
round, no schedule can deadlock, even if a transfer waits until both are there. Every rank holds an array of `elements`
elements.

The contract of each collective, where chunk i is the i-th of `ranks` chunks as `simulator.collectives.rounds.bounds`
cuts them:

================  ====================================  ==========================================
collective        what matters before                   what every rank holds after
================  ====================================  ==========================================
`broadcast`       the root's array                      the root's array
`reduce`          all arrays                            the root: the sum; others: anything
`all_reduce`      all arrays                            the sum
`reduce_scatter`  all arrays                            rank i: chunk i of the sum, else anything
`all_gather`      chunk i of rank i                     every chunk
================  ====================================  ==========================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.collectives.transfer import Round, Transfer

__all__ = ["COLLECTIVES", "Action", "Round", "Schedule", "Transfer", "execute"]

#: The collectives, in the order in which people list them.
COLLECTIVES = ("broadcast", "reduce", "all_reduce", "reduce_scatter", "all_gather")

Scalar = TypeVar("Scalar", bound=np.generic)


class Action(NamedTuple):
    """What one rank does in one round: all of it together, then on to its next action."""

    sends: tuple[Transfer, ...]
    receives: tuple[Transfer, ...]


@dataclass(frozen=True, eq=False)
class Schedule:
    """A collective operation as rounds of transfers.

    Attributes
    ----------
    collective, name : str
        What it achieves and by which algorithm.
    ranks, elements : int
        How many ranks take part, and the length of each rank's array.
    root : int
        The rank that a broadcast starts from and a reduce ends at; where a tree is rooted otherwise.
    rounds : tuple of Round
        Without empty transfers and without empty rounds. Rounds in which the same ranks deal with one another, in the
        same order, have the very same arrays `source` and `destination`, other rounds different ones.
    """

    collective: str
    name: str
    ranks: int
    elements: int
    root: int
    rounds: tuple[Round, ...]

    def actions(self, rank: int) -> tuple[Action, ...]:
        """What `rank` does, round by round; rounds in which it takes no part are left out.

        The two ends of a message see the same `Transfer` object. The first call sorts out all ranks at once, in time
        and memory proportional to the number of transfers.
        """
        return self._actions[rank]

    @cached_property
    def _actions(self) -> tuple[tuple[Action, ...], ...]:
        actions: list[list[Action]] = [[] for _ in range(self.ranks)]
        for transfers in self.rounds:
            sends: dict[int, list[Transfer]] = {}
            receives: dict[int, list[Transfer]] = {}
            for transfer in transfers:
                sends.setdefault(transfer.source, []).append(transfer)
                receives.setdefault(transfer.destination, []).append(transfer)
            for rank, sent in sends.items():
                actions[rank].append(Action(tuple(sent), tuple(receives.pop(rank, ()))))
            for rank, received in receives.items():
                actions[rank].append(Action((), tuple(received)))
        return tuple(map(tuple, actions))

    @cached_property
    def transfer_count(self) -> int:
        """How many messages it takes."""
        return sum(map(len, self.rounds))

    def elements_sent(self, rank: int) -> int:
        """Elements that leave `rank`."""
        return sum(int(r.elements[r.source == rank].sum()) for r in self.rounds)

    def elements_reduced(self, rank: int) -> int:
        """Additions that `rank` makes."""
        return sum(int(r.elements[r.reduce & (r.destination == rank)].sum()) for r in self.rounds)


def execute(schedule: Schedule, arrays: Sequence[NDArray[Scalar]]) -> list[NDArray[Scalar]]:
    """Do what the schedule says on real arrays, in its order of additions.

    Parameters
    ----------
    arrays : sequence of arrays, shape (elements,)
        What each rank holds before; left as they are.

    Returns
    -------
    list of arrays, shape (elements,)
        What each rank holds after.

    Raises
    ------
    ValueError
        If there is not one array of the right length for each rank.
    """
    if len(arrays) != schedule.ranks or any(array.shape != (schedule.elements,) for array in arrays):
        shapes = [array.shape for array in arrays]
        raise ValueError(f"expected {schedule.ranks} arrays of shape ({schedule.elements},), got {shapes}")
    held = [array.copy() for array in arrays]
    for transfers in schedule.rounds:
        # All payloads first: a rank sends what it held when it started the round.
        payloads = [held[transfer.source][transfer.first : transfer.last].copy() for transfer in transfers]
        for transfer, payload in zip(transfers, payloads, strict=True):
            place = held[transfer.destination][transfer.first : transfer.last]
            if transfer.reduce:
                np.add(place, payload, out=place)
            else:
                place[:] = payload
    return held
