"""Messages as fluid: after overhead and latency, bytes flow at the max-min fair rate of all flows present.

Rates are recomputed when a flow starts or ends, but only for the flows that share a resource with it, directly or
through others, and only once for everything that happens at one instant. A message that shares nothing takes exactly
``overhead + latency + size / bandwidth``.

Use it for messages that last much longer than a round trip. It knows no packets, buffers, congestion control or
head-of-line blocking; see `simulator.network.max_min`.

Virtual time may run a little past the last arrival when the environment is run until it has no events left: timers
that were overtaken by a change of rates cannot be withdrawn from SimPy. Run until an event, such as the end of the last
process.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any, ClassVar, cast

import simpy
from simpy.events import EventPriority

from simulator.errors import InputError
from simulator.network.accounts import NetworkCounters, ResourceUse, resource_uses, traffic_by_medium
from simulator.network.base import check_size
from simulator.network.flows import Bundle, BundleKey, Flow, Path, Resource
from simulator.network.max_min import max_min_rates
from simulator.platform.links import Link, Route

__all__ = ["FluidNetwork", "Wakeup"]

#: After all normal (1) and urgent (0) events of the instant.
_LAST = EventPriority(2)
_NORMAL = EventPriority(1)


class Wakeup(simpy.Event):
    """Calls back once, at a time of day that no rounding of a delay has touched, with a priority of its own."""

    def __init__(self, env: simpy.Environment, callback: Any, at: float, priority: EventPriority) -> None:
        self.env = env
        self.callbacks = [callback]
        self._ok = True
        self._value = None
        # As `Environment.schedule` does it, but for the sum of now and a delay: now + (at - now) may miss `at`.
        heappush(env._queue, (at, priority, next(env._eid), self))


class FluidNetwork:
    """Flows share the bandwidth of their links max-min fairly; see `Network` for the interface."""

    description: ClassVar[str] = "concurrent messages share links max-min fairly, recomputed at each start and end"
    #: Ends closer than this, relative to the time of day, are one instant: they differ by rounding alone.
    same_instant: ClassVar[float] = 1.0 + 1e-12

    def __init__(self, env: simpy.Environment) -> None:
        self.counters = NetworkCounters()
        self._env = env
        self._paths: dict[Route, Path] = {}
        self._resources: dict[str, Resource] = {}
        self._bundles: dict[BundleKey, Bundle] = {}  # those with contended resources
        self._unplaced: dict[Flow, None] = {}  # flows that may belong to another bundle since this instant
        self._changed: dict[Resource, None] = {}  # contended resources whose flows have changed
        self._share_pending = False
        self._ends: list[tuple[float, int, Bundle]] = []  # heap; an entry counts while it equals the bundle's `end`
        self._tickets = count()
        self._visits = count(1)
        self._timer: Wakeup | None = None  # the one that counts; overtaken ones fire and are ignored
        self._timer_at = inf

    def transfer(self, route: Route, size: float) -> simpy.Event:
        """Start a message now; see `Network.transfer`."""
        check_size(size)
        path = self._paths.get(route) or self._add_path(route)
        path.bytes += size
        self.counters.transfers += 1
        self.counters.events += 1
        if size == 0 or path.bandwidth == inf:
            return self._env.timeout(path.delay)
        flow = Flow(path, size, self._env.event())
        latency = self._env.timeout(path.delay, flow)
        latency.callbacks.append(self._start if path.turn == 0.0 else self._await_turn)
        return flow.done

    def traffic(self) -> dict[str, float]:
        """Bytes sent so far by link medium."""
        return traffic_by_medium((route, path.bytes) for route, path in self._paths.items())

    def uses(self) -> list[ResourceUse]:
        """Use of every resource so far, most loaded first."""
        now = self._env.now
        busy = {
            name: resource.busy + (now - resource.busy_since if resource.flows else 0.0)
            for name, resource in self._resources.items()
        }
        return resource_uses(((route, path.bytes) for route, path in self._paths.items()), busy)

    def _add_path(self, route: Route) -> Path:
        resources: dict[Resource, None] = {}
        for link in route.links:
            if not link.bandwidth > 0:
                raise InputError(f"link {link.name}: bandwidth: expected more than 0 B/s, got {link.bandwidth!r}")
            if link.bandwidth < inf:
                resources[self._resources.get(link.resource) or self._add_resource(link)] = None
        delay = route.overhead + route.latency
        path = self._paths[route] = Path(delay, tuple(resources), route.rate_cap, route.turn)
        return path

    def _add_resource(self, link: Link) -> Resource:
        resource = Resource(link.resource, link.bandwidth, link.crowd, link.crowded_bandwidth)
        self._resources[link.resource] = resource
        return resource

    # What happens to a flow. Each of these only notes what has changed; `_share` works out the consequences.

    def _await_turn(self, event: simpy.Event) -> None:
        """Start a flow, or have it wait first where a resource is taken."""
        flow = cast(Flow, event.value)
        if any(resource.taken for resource in flow.path.resources):
            event = self._env.timeout(flow.path.turn, flow)
            assert event.callbacks is not None
            event.callbacks.append(self._start)
        else:
            self._start(event)

    def _start(self, event: simpy.Event) -> None:
        flow = cast(Flow, event.value)
        now = self._env.now
        for resource in flow.path.resources:
            flows = resource.flows
            if not flows:
                resource.busy_since = now
            elif len(flows) == 1:  # the flow that had it to itself no longer does
                self._unplaced.update(flows)
            flows[flow] = None
        self._unplaced[flow] = None
        self._share_at_end_of_instant()

    def _finish(self, flow: Flow) -> None:
        now = self._env.now
        self._unplaced.pop(flow, None)
        for resource in flow.path.resources:
            flows = resource.flows
            del flows[flow]
            if not flows:
                resource.busy += now - resource.busy_since
            elif len(flows) == 1:  # the flow that is left now has it to itself
                self._unplaced.update(flows)
        flow.done.succeed()
        self.counters.events += 1

    def _finish_due(self, timer: simpy.Event) -> None:
        """Complete every flow whose end has come."""
        if timer is not self._timer:
            return
        self._timer, self._timer_at = None, inf
        now = self._env.now
        horizon = now * self.same_instant
        own_time = []  # ends a hair later that nobody else is concerned with: they stay what they are to the last digit
        while self._ends and self._ends[0][0] <= horizon:
            end, ticket, bundle = heappop(self._ends)
            if end != bundle.end:
                continue
            if end > now and not bundle.resources:
                own_time.append((end, ticket, bundle))
                continue
            bundle.end = inf
            for flow in bundle.pop_complete(horizon):
                self._finish(flow)
            self._note_change(bundle)
        for entry in own_time:
            heappush(self._ends, entry)
        if self._unplaced or self._changed:
            self._share_at_end_of_instant()
        else:
            self._set_timer()

    # Sharing: once at the end of each instant at which something changed.

    def _share_at_end_of_instant(self) -> None:
        if not self._share_pending:
            self._share_pending = True
            self.counters.events += 1
            Wakeup(self._env, self._share, self._env.now, _LAST)

    def _share(self, _: simpy.Event) -> None:
        """Give every flow that is concerned its new rate."""
        self._share_pending = False
        unplaced, self._unplaced = self._unplaced, {}
        for flow in unplaced:
            self._place(flow)
        changed, self._changed = self._changed, {}
        visit = next(self._visits)
        for resource in changed:
            if resource.visit != visit and resource.bundles:
                self._solve(resource, visit)
        self._set_timer()

    def _place(self, flow: Flow) -> None:
        """Move `flow` to the bundle it belongs to, given which of its resources are contended now."""
        now = self._env.now
        cap = flow.path.cap
        contended = []
        for resource in flow.path.resources:
            if len(resource.flows) > 1:
                contended.append(resource)
            elif resource.capacity < cap:
                cap = resource.capacity
        key = (tuple(contended), cap)
        old = flow.bundle
        if old is not None and old.key == key:
            return
        bundle = self._bundles.get(key)
        if bundle is None and old is not None and old.count == 1:
            # Nobody to part from and nobody to join: the bundle itself moves, and its end stays exact if its rate does.
            self._unregister(old)
            old.move(key)
            bundle = old
            self._register(bundle)
        else:
            remaining = flow.size
            if old is not None:
                remaining = old.leave(flow, now)
                self._note_change(old)
            if bundle is None:
                bundle = Bundle(key, now)
                self._register(bundle)
            bundle.join(flow, remaining, next(self._tickets), now)
        if contended:
            self._note_change(bundle)
        else:
            self._set_rate(bundle, cap)
            self.counters.direct += 1

    def _note_change(self, bundle: Bundle) -> None:
        """Remember that flows came to or left `bundle`; forget it when nobody is left."""
        if bundle.count:
            self._changed.update(dict.fromkeys(bundle.resources))
        else:
            bundle.end = inf
            self._unregister(bundle)

    def _register(self, bundle: Bundle) -> None:
        if bundle.resources:
            self._bundles[bundle.key] = bundle
            for resource in bundle.resources:
                resource.bundles[bundle] = None

    def _unregister(self, bundle: Bundle) -> None:
        """Take the bundle off its resources, for whose other users that is a change."""
        if bundle.resources:
            del self._bundles[bundle.key]
            for resource in bundle.resources:
                del resource.bundles[bundle]
            self._changed.update(dict.fromkeys(bundle.resources))

    def _solve(self, start: Resource, visit: int) -> None:
        """Find the connected component of `start` and share its resources."""
        start.visit = visit
        resources = [start]
        bundles: list[Bundle] = []
        index = {start: 0}
        for resource in resources:  # grows while we walk
            for bundle in resource.bundles:
                if bundle.visit != visit:
                    bundle.visit = visit
                    bundles.append(bundle)
                    for other in bundle.resources:
                        if other.visit != visit:
                            other.visit = visit
                            index[other] = len(resources)
                            resources.append(other)
        rates = max_min_rates(
            [[index[resource] for resource in bundle.resources] for bundle in bundles],
            [resource.shared_capacity for resource in resources],
            [bundle.cap for bundle in bundles],
            [bundle.count for bundle in bundles],
        )
        self.counters.solves += 1
        for bundle, rate in zip(bundles, rates, strict=True):
            self.counters.solved_flows += bundle.count
            if rate != bundle.rate or bundle.changed:
                self._set_rate(bundle, rate)

    def _set_rate(self, bundle: Bundle, rate: float) -> None:
        """Change the rate and announce when the next member will be complete."""
        bundle.changed = False
        bundle.set_rate(rate, self._env.now)
        end = bundle.next_end()
        if end != bundle.end:
            bundle.end = end
            heappush(self._ends, (end, next(self._tickets), bundle))

    def _set_timer(self) -> None:
        """Make sure that a timer fires at the next end."""
        ends = self._ends
        while ends and ends[0][0] != ends[0][2].end:
            heappop(ends)
        if ends and ends[0][0] < self._timer_at:
            self._timer_at = ends[0][0]
            self.counters.events += 1
            # Rounding may have put the end a hair before now.
            self._timer = Wakeup(self._env, self._finish_due, max(self._timer_at, self._env.now), _NORMAL)
