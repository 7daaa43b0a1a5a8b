"""The state of a fluid network: resources, flows, and bundles of flows that must have equal rates.

Two flows whose routes share the same *contended* resources and have the same cap get the same max-min rate for as long
as that holds; a resource that a flow has to itself acts as nothing more than a cap. Such flows form a `Bundle`, and all
of them are served by one counter of bytes, the service that each member has had. A flow that joins when the counter
stands at s leaves when it stands at s + size: a change of rate costs the same for a bundle of a thousand flows as for
one (the virtual time of processor sharing; Parekh and Gallager, *IEEE/ACM Trans. Networking* 1, 1993). So an incast of
n flows costs O(log n) for each start and end, not O(n).
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf

import simpy

__all__ = ["Bundle", "BundleKey", "Flow", "Path", "Resource"]


class Resource:
    """What flows compete for: a directed link, or a medium that several links share.

    `flows` and `bundles` are dicts used as ordered sets, so that results never depend on addresses in memory.
    """

    __slots__ = ("bundles", "busy", "busy_since", "capacity", "crowd", "crowded_capacity", "flows", "name", "visit")

    def __init__(self, name: str, capacity: float, crowd: int = 0, crowded_capacity: float = inf) -> None:
        self.name = name
        self.capacity = capacity
        self.crowd = crowd or inf
        self.crowded_capacity = crowded_capacity
        self.flows: dict[Flow, None] = {}
        self.bundles: dict[Bundle, None] = {}
        self.busy = 0.0  # seconds with at least one flow, up to `busy_since`
        self.busy_since = 0.0
        self.visit = 0  # the last search for a component that came by

    @property
    def shared_capacity(self) -> float:
        """What the flows that it has now get together [B/s]."""
        return self.capacity if len(self.flows) <= self.crowd else self.crowded_capacity

    @property
    def taken(self) -> bool:
        """Whether as many flows as make no crowd are on it, not counting those that wait for their turn themselves."""
        return sum(flow.path.turn == 0.0 for flow in self.flows) >= self.crowd


class Path:
    """What the fluid model needs of a route, worked out once: each resource once, infinite ones left out."""

    __slots__ = ("bandwidth", "bytes", "cap", "delay", "resources", "turn")

    def __init__(self, delay: float, resources: tuple[Resource, ...], cap: float, turn: float = 0.0) -> None:
        self.turn = turn
        self.delay = delay
        self.resources = resources
        self.cap = cap
        self.bandwidth = min([cap, *(resource.capacity for resource in resources)])
        self.bytes = 0.0


class Flow:
    """A message whose bytes are on the way, or will be once its latency has passed."""

    __slots__ = ("bundle", "done", "path", "size", "target", "ticket")

    def __init__(self, path: Path, size: float, done: simpy.Event) -> None:
        self.path = path
        self.size = size
        self.done = done
        self.bundle: Bundle | None = None
        self.target = 0.0  # the bundle's service at which the last byte arrives
        self.ticket = -1  # tells the flow's place in its bundle from places that it has left


#: Contended resources in the order of the path, and cap [B/s].
BundleKey = tuple[tuple[Resource, ...], float]


class Bundle:
    """Flows that have the same rate as long as they are together."""

    __slots__ = (
        "cap",
        "changed",
        "count",
        "departures",
        "end",
        "key",
        "members",
        "rate",
        "resources",
        "service",
        "since",
        "visit",
    )

    def __init__(self, key: BundleKey, now: float) -> None:
        self.move(key)
        self.rate = 0.0  # of each member [B/s]
        self.service = 0.0  # bytes that a member since the beginning had received at `since`
        self.since = now  # when the rate last changed
        self.count = 0
        self.departures = 0
        self.members: list[
            tuple[float, int, Flow]
        ] = []  # heap of (target, ticket, flow); left ones stay until they surface
        self.end = inf  # when the first member will be complete, as last announced
        self.changed = True  # members came or went since the end was announced
        self.visit = 0

    def move(self, key: BundleKey) -> None:
        """Let the members compete for other resources from now on, at the old rate until the next `set_rate`."""
        self.key = key
        self.resources, self.cap = key

    def join(self, flow: Flow, remaining: float, ticket: int, now: float) -> None:
        """Let `flow` have the bundle's rate from now until `remaining` bytes have arrived."""
        flow.bundle = self
        flow.ticket = ticket
        flow.target = self.service + self.rate * (now - self.since) + remaining
        heappush(self.members, (flow.target, ticket, flow))
        self.count += 1
        self.changed = True

    def leave(self, flow: Flow, now: float) -> float:
        """Take `flow` out; returns how many of its bytes are still to come."""
        remaining = flow.target - (self.service + self.rate * (now - self.since))
        flow.bundle = None
        flow.ticket = -1
        self.count -= 1
        self.changed = True
        return max(remaining, 0.0)

    def set_rate(self, rate: float, now: float) -> None:
        """Change every member's rate from now on."""
        if rate != self.rate:  # else keep `since`: a flow whose rate never changed ends at exactly start + size / rate
            self.service += self.rate * (now - self.since)
            self.since = now
            self.rate = rate

    def next_end(self) -> float:
        """When the first member will be complete at the present rate."""
        members = self.members
        while members and members[0][2].ticket != members[0][1]:
            heappop(members)
        if not members:
            return inf
        return self.since + (members[0][0] - self.service) / self.rate

    def pop_complete(self, horizon: float) -> list[Flow]:
        """Take out the members that are complete at `horizon`, in the order of their ends."""
        complete = []
        while self.next_end() <= horizon:
            flow = heappop(self.members)[2]
            flow.bundle = None
            flow.ticket = -1
            complete.append(flow)
        self.count -= len(complete)
        self.changed = True
        self.departures += len(complete)
        if self.departures > len(self.members):
            self._rebase()
        return complete

    def _rebase(self) -> None:
        """Count service from zero again, so that a bundle that never empties does not lose digits."""
        members = self.members
        service = self.service
        for index, (target, ticket, flow) in enumerate(members):
            if flow.ticket == ticket:
                flow.target = target - service
            members[index] = (target - service, ticket, flow)  # subtraction keeps the order of the heap
        self.service = 0.0
        self.departures = 0
