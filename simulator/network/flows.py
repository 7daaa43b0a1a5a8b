"""The state of a fluid network: resources, flows, and bundles of flows that must have equal rates.

Two flows whose routes share the same *contended* resources and have the same cap get the same max-min rate for as long
as that holds; a resource that a flow has to itself acts as nothing more than a cap. Such flows form a `Bundle`, and all
of them are served by one counter of bytes, the service that each member has had. A flow that joins when the counter
stands at s leaves when it stands at s + size: a change of rate costs the same for a bundle of a thousand flows as for
one (the virtual time of processor sharing; Parekh and Gallager, *IEEE/ACM Trans. Networking* 1, 1993). So an incast of
n flows costs O(log n) for each start and end, not O(n).

A flow all of whose resources are its own is in no bundle: it is *alone*, and its end is known from its start.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf

import simpy

__all__ = ["Bundle", "BundleKey", "Flow", "Path", "Resource"]


class Resource:
    """What flows compete for: a directed link, or a medium that several links share.

    `flows` is a dict used as an ordered set, so that results never depend on addresses in memory.
    """

    __slots__ = ("busy", "busy_since", "capacity", "flows", "name", "number")

    def __init__(self, name: str, capacity: float) -> None:
        self.name = name
        self.capacity = capacity
        self.flows: dict[Flow, None] = {}
        self.number = -1  # by which `FairShares` knows it, once it has been contended
        self.busy = 0.0  # seconds with at least one flow, up to `busy_since`
        self.busy_since = 0.0


class Path:
    """What the fluid model needs of a route, worked out once: each resource once, infinite ones left out."""

    __slots__ = ("bandwidth", "bytes", "cap", "delay", "resources")

    def __init__(self, delay: float, resources: tuple[Resource, ...], cap: float) -> None:
        self.delay = delay
        self.resources = resources
        self.cap = cap
        self.bandwidth = min([cap, *(resource.capacity for resource in resources)])
        self.bytes = 0.0


class Flow:
    """A message whose bytes are on the way, or will be once its latency has passed.

    Attributes
    ----------
    number : int
        Of its start: flows that end at one instant do so in this order.
    remaining, since : float
        While alone: bytes that were still to come at that time of day.
    bundle, target : Bundle or None, float
        While in a bundle: its service at which the last byte arrives.
    ticket : int
        Tells the flow's place in a heap from places that it has left.
    """

    __slots__ = ("bundle", "done", "number", "path", "remaining", "since", "target", "ticket")

    def __init__(self, path: Path, size: float, done: simpy.Event) -> None:
        self.path = path
        self.remaining = size
        self.done = done
        self.number = -1
        self.since = 0.0
        self.bundle: Bundle | None = None
        self.target = 0.0
        self.ticket = -1


#: Contended resources in the order of the path, and cap [B/s].
BundleKey = tuple[tuple[Resource, ...], float]


class Bundle:
    """Flows that have the same rate as long as they are together: a group of `FairShares`, and who is in it."""

    __slots__ = ("count", "departures", "group", "key", "members")

    def __init__(self, key: BundleKey, group: int) -> None:
        self.key = key
        self.group = group
        self.count = 0
        self.departures = 0
        # Heap of (target, ticket, flow); those that left stay until they surface.
        self.members: list[tuple[float, int, Flow]] = []

    def join(self, flow: Flow, target: float, ticket: int) -> None:
        """Let `flow` have the bundle's rate until the bundle's service has reached `target`."""
        flow.bundle = self
        flow.target = target
        flow.ticket = ticket
        heappush(self.members, (target, ticket, flow))
        self.count += 1

    def leave(self, flow: Flow) -> None:
        """Take `flow` out."""
        flow.bundle = None
        flow.ticket = -1
        self.count -= 1

    def first_target(self) -> float:
        """The service at which the first member is complete; infinite if there is none."""
        members = self.members
        while members and members[0][2].ticket != members[0][1]:
            heappop(members)
        return members[0][0] if members else inf

    def pop_complete(self, served: float) -> list[Flow]:
        """Take out the members that are complete when the service has reached `served`."""
        complete = []
        while self.first_target() <= served:
            flow = heappop(self.members)[2]
            self.leave(flow)
            complete.append(flow)
        self.departures += len(complete)
        return complete

    def rebase(self, service: float) -> None:
        """Count service from zero again, which stood at `service`."""
        for index, (target, ticket, flow) in enumerate(self.members):
            if flow.ticket == ticket:
                flow.target = target - service
            self.members[index] = (target - service, ticket, flow)  # subtraction keeps the order of the heap
        self.departures = 0
