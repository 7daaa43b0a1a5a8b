"""Pipelined chains: the array is cut into segments that follow one another from rank to rank.

With S segments a broadcast takes (P - 2 + S)(α + nβ/S): the bandwidth of a single message when S is large against P,
at the price of a latency that grows with P. Each rank forwards one segment while it receives the next.
"""

from __future__ import annotations

import numpy as np

from simulator.collectives.algorithm import Algorithm
from simulator.collectives.rounds import Rounds, mirrored, placed, rotation, segments
from simulator.collectives.transfer import Round

__all__ = ["CHAIN", "SEGMENT_ELEMENTS", "all_reduce", "broadcast", "reduce"]

#: Default segment: 512 KiB of single precision.
SEGMENT_ELEMENTS = 131_072


def broadcast(ranks: int, elements: int, root: int, *, segment_elements: int = SEGMENT_ELEMENTS) -> Rounds:
    """In round r, the rank at distance k from the root passes segment r - k on."""
    cut = segments(0, elements, segment_elements)
    count = len(cut) - 1
    backwards = cut[:-1][::-1], cut[1:][::-1]  # the farther from the root, the earlier the segment
    line, flags = np.arange(ranks), np.full(ranks, False)
    rounds = []
    for step in range(ranks - 2 + count):
        senders = slice(max(0, step - count + 1), min(ranks - 1, step + 1))
        receivers = slice(senders.start + 1, senders.stop + 1)
        window = slice(senders.start - step + count - 1, senders.stop - step + count - 1)
        first, last = (ends[window] for ends in backwards)
        rounds.append(Round(line[senders], line[receivers], first, last, flags[senders]))
    return placed(rounds, rotation(ranks, root))


def reduce(ranks: int, elements: int, root: int, *, segment_elements: int = SEGMENT_ELEMENTS) -> Rounds:
    """The broadcast backwards."""
    return mirrored(broadcast(ranks, elements, root, segment_elements=segment_elements), reduce=True)


def all_reduce(ranks: int, elements: int, root: int, *, segment_elements: int = SEGMENT_ELEMENTS) -> Rounds:
    """Reduce along the chain to the root, then broadcast back along it."""
    down = broadcast(ranks, elements, root, segment_elements=segment_elements)
    return mirrored(down, reduce=True) + down


CHAIN = Algorithm(
    "chain",
    "segments follow one another from rank to rank; full bandwidth for long messages on few ranks",
    "Pješivac-Grbović et al., Cluster Computing 10, 2007",
    {"broadcast": broadcast, "reduce": reduce, "all_reduce": all_reduce},
)
