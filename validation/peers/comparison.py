"""Laying our times of a case over a peer's, message by message."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from simulator.errors import RunError
from validation.peers.experiment import Times, latest

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far apart two answers are.

    Attributes
    ----------
    messages : int
        How many there are.
    predicted, measured : float
        When the last one has arrived [s]: ours and the peer's.
    difference : float
        The largest difference between our start or arrival of a message and the peer's, relative to the time that the
        peer has the message take: what two models disagree by cannot hide in a long run.
    worst : tuple of float
        How long the message with that difference takes [s]: ours and the peer's.
    """

    messages: int
    predicted: float
    measured: float
    difference: float
    worst: tuple[float, float]


def compare(ours: Times, theirs: Times) -> Comparison:
    """Compare the messages of each name in the order in which they started.

    Raises
    ------
    RunError
        If the two are not about the same messages.
    """
    difference, worst = 0.0, (0.0, 0.0)
    for name in sorted(ours.keys() | theirs.keys()):
        mine, others = sorted(ours.get(name, ())), sorted(theirs.get(name, ()))
        if len(mine) != len(others):
            raise RunError(f"messages {name}: {len(mine)} here and {len(others)} there")
        for (start, end), (peer_start, peer_end) in zip(mine, others, strict=True):
            apart = _relative(max(abs(start - peer_start), abs(end - peer_end)), peer_end - peer_start)
            if apart > difference:
                difference, worst = apart, (end - start, peer_end - peer_start)
    return Comparison(sum(map(len, ours.values())), latest(ours), latest(theirs), difference, worst)


def _relative(difference: float, base: float) -> float:
    if difference == 0.0:
        return 0.0
    return difference / base if base > 0.0 else inf
