"""One piece of work for two simulators: what a peer is told, and when we say its messages start and end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Case", "Experiment", "Step", "Times", "exchange", "latest", "whole"]

#: One step of an actor, as `validation.peers.simgrid_driver` lists them.
Step = tuple[Any, ...]
#: (start, end) [s] of the messages of each name. Messages between the same two ends have one name.
Times = Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Experiment:
    """Platform and actors in the driver's terms.

    Attributes
    ----------
    hosts : tuple of str
    links : mapping of str to (float, float)
        Bandwidth [B/s] and latency [s] of each; all flows that cross a link share it.
    routes : sequence of (str, str, tuple of str)
        Source host, target host, links from the one to the other.
    actors : sequence of (str, sequence of steps)
        Where each actor runs, and what it does.
    """

    hosts: tuple[str, ...]
    links: Mapping[str, tuple[float, float]]
    routes: Sequence[tuple[str, str, tuple[str, ...]]]
    actors: Sequence[tuple[str, Sequence[Step]]]

    def document(self, config: Mapping[str, str]) -> dict[str, Any]:
        """What the driver reads, under that configuration of the simulator."""
        return {
            "config": dict(config),
            "hosts": self.hosts,
            "links": self.links,
            "routes": self.routes,
            "actors": self.actors,
        }


@dataclass(frozen=True)
class Case:
    """An experiment with our own answer, which is worked out when asked for.

    Attributes
    ----------
    section, name, series : str
        As of a `validation.checks.Check`.
    prepare : callable
        Gives the experiment, and when our model starts and ends its messages.
    judged : bool
        Whether the two have to agree; where the models differ on purpose, the difference is shown only.
    note : str
        What a reader of the row must know.
    """

    section: str
    name: str
    prepare: Callable[[], tuple[Experiment, Times]]
    series: str = ""
    judged: bool = True
    note: str = ""


def exchange(puts: Sequence[tuple[str, float]], gets: Sequence[str]) -> Step:
    """Messages, each ``(mailbox, bytes)``, that an actor puts and gets together; a message has its mailbox's name.

    Raises
    ------
    ValueError
        If a size is not a whole number of bytes: SimGrid's Python interface knows no others.
    """
    return ("exchange", [(mailbox, whole(size), mailbox) for mailbox, size in puts], list(gets))


def whole(size: float) -> int:
    """Bytes as an int.

    Raises
    ------
    ValueError
        If there are parts of a byte.
    """
    if size != int(size):
        raise ValueError(f"size of a message: expected whole bytes, got {size!r}")
    return int(size)


def latest(times: Times) -> float:
    """When the last message has arrived [s]; 0 without messages."""
    return max((end for messages in times.values() for _, end in messages), default=0.0)
