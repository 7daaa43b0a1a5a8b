"""Messages as fluid: after overhead and latency, bytes flow at the max-min fair rate of all flows present.

Rates are recomputed when a flow starts or ends, but only those that this can have changed, and only once for everything
that happens at one instant; `simulator.network.fair_shares` does that. A message that shares nothing takes exactly
``overhead + latency + size / bandwidth``.

Use it for messages that last much longer than a round trip. It knows no packets, buffers, congestion control or
head-of-line blocking; see `simulator.network.max_min`.

Virtual time may run a little past the last arrival when the environment is run until it has no events left: timers
that were overtaken by a change of rates cannot be withdrawn from SimPy. Run until an event, such as the end of the last
process.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf
from operator import attrgetter
from typing import ClassVar

import simpy
from simpy.events import EventPriority

from simulator.errors import InputError
from simulator.network.accounts import NetworkCounters, ResourceUse, resource_uses, traffic_by_medium
from simulator.network.base import check_size
from simulator.network.fair_shares import fair_shares
from simulator.network.flows import Bundle, BundleKey, Flow, Path, Resource
from simulator.platform.links import Link, Route

__all__ = ["FluidNetwork", "Wakeup"]

#: After all normal (1) and urgent (0) events of the instant.
_LAST = EventPriority(2)
_NORMAL = EventPriority(1)


class Wakeup(simpy.Event):
    """Calls back once, at a time of day that no rounding of a delay has touched, with a priority of its own."""

    _ok = True
    _value = None

    def __init__(
        self,
        env: simpy.Environment,
        callback: Callable[[simpy.Event], None],
        at: float,
        priority: EventPriority = _NORMAL,
    ) -> None:
        self.env = env
        self.callbacks = [callback]
        # As `Environment.schedule` does it, but for the sum of now and a delay: now + (at - now) may miss `at`.
        heappush(env._queue, (at, priority, next(env._eid), self))


class FluidNetwork:
    """Flows share the bandwidth of their links max-min fairly; see `Network` for the interface.

    Parameters
    ----------
    env : simpy.Environment
    incremental : bool
        Whether only those rates are worked out again that a start or end can have changed, not those of all flows that
        are connected with it. The same but for rounding. Also an attribute.
    compiled : bool
        Whether the compiled help may be used where it is installed. The same to the last digit.
    """

    description: ClassVar[str] = "concurrent messages share links max-min fairly, recomputed at each start and end"
    #: Ends of flows that share closer than this, relative to the time of day, are one instant: they differ by rounding.
    same_instant: ClassVar[float] = 1.0 + 1e-12

    def __init__(self, env: simpy.Environment, *, incremental: bool = True, compiled: bool = True) -> None:
        self.counters = NetworkCounters()
        self.incremental = incremental
        self._env = env
        self._paths: dict[Route, Path] = {}
        self._resources: dict[str, Resource] = {}
        self._starting: dict[float, list[Flow]] = {}  # by time of day, flows whose latency passes then
        self._alone: list[tuple[float, int, Flow]] = []  # heap of (end, ticket, flow), as in bundles
        self._shares = fair_shares(incremental, compiled)
        self._bundles: dict[BundleKey, Bundle] = {}
        self._groups: dict[int, Bundle] = {}  # the same by their numbers in `_shares`
        self._bundles_end = inf  # when the first member of any will be complete
        self._unplaced: dict[Flow, None] = {}  # flows that may belong elsewhere since this instant
        self._changed: dict[Bundle, None] = {}  # bundles whose members have changed
        self._share_pending = False
        self._numbers = count()
        self._tickets = count()
        self._timer: Wakeup | None = None  # the one that counts; overtaken ones fire and are ignored
        self._timer_at = inf

    def transfer(self, route: Route, size: float) -> simpy.Event:
        """Start a message now; see `Network.transfer`."""
        check_size(size)
        path = self._paths.get(route) or self._add_path(route)
        path.bytes += size
        self.counters.transfers += 1
        if size == 0 or path.bandwidth == inf:
            return self._env.timeout(path.delay)
        flow = Flow(path, size, simpy.Event(self._env))
        at = self._env.now + path.delay
        starting = self._starting.get(at)
        if starting is None:
            self._starting[at] = [flow]
            Wakeup(self._env, self._start_due, at)
        else:
            starting.append(flow)
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
        path = self._paths[route] = Path(delay, tuple(resources), route.rate_cap)
        return path

    def _add_resource(self, link: Link) -> Resource:
        resource = Resource(link.resource, link.bandwidth)
        self._resources[link.resource] = resource
        return resource

    # What happens to a flow. Each of these only notes what has changed; `_share` works out the consequences.

    def _start_due(self, _: simpy.Event) -> None:
        """Start the flows whose latency has passed now."""
        for flow in self._starting.pop(self._env.now):
            self._start(flow)
        self._settle()

    def _start(self, flow: Flow) -> None:
        now = self._env.now
        flow.number, flow.since = next(self._numbers), now
        shared = False
        for resource in flow.path.resources:
            flows = resource.flows
            if not flows:
                resource.busy_since = now
            else:
                shared = True
                if len(flows) == 1:  # the flow that had it to itself no longer does
                    self._unplaced.update(flows)
            flows[flow] = None
        if shared:
            self._unplaced[flow] = None
        else:
            self._go_alone(flow, flow.remaining, now)

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

    def _finish_due(self, timer: simpy.Event) -> None:
        """Complete every flow whose end has come."""
        if timer is not self._timer:
            return
        self._timer, self._timer_at = None, inf
        now = self._env.now
        complete = []
        while self._alone and self._alone[0][0] <= now:
            _, ticket, flow = heappop(self._alone)
            if flow.ticket == ticket:
                complete.append(flow)
        horizon = now * self.same_instant
        if self._bundles_end <= horizon:
            for group, served in self._shares.due(horizon):
                bundle = self._groups[group]
                complete += bundle.pop_complete(served)
                self._changed[bundle] = None
        if len(complete) > 1:
            complete.sort(key=attrgetter("number"))
        for flow in complete:
            self._finish(flow)
        self._settle()

    # Sharing: once at the end of each instant at which something changed that is shared.

    def _settle(self) -> None:
        """Await the next end, or have rates worked out first if anything that is shared has changed."""
        if not (self._unplaced or self._changed):
            self._set_timer()
        elif not self._share_pending:
            now = self._env.now
            if self._env.peek() > now:  # it is the end of the instant
                self._share()
            else:
                self._share_pending = True
                Wakeup(self._env, self._share, now, _LAST)

    def _share(self, _: simpy.Event | None = None) -> None:
        """Give every flow that is concerned its new rate."""
        self._share_pending = False
        shares, now = self._shares, self._env.now
        unplaced, self._unplaced = self._unplaced, {}
        for flow in unplaced:
            self._place(flow)
        changed, self._changed = self._changed, {}
        for bundle in changed:
            if not bundle.count:
                self._close(bundle)
                continue
            if bundle.departures > len(bundle.members):  # so that one that never empties does not lose digits
                bundle.rebase(shares.rebase(bundle.group))
            shares.set_members(bundle.group, bundle.count, bundle.first_target())
        self._bundles_end = shares.solve(now)
        self.counters.solves, self.counters.solved_flows = shares.solves, shares.solved_flows
        self._set_timer()

    def _place(self, flow: Flow) -> None:
        """Move `flow` to where it belongs, given which of its resources are contended now."""
        cap, limit = flow.path.cap, inf
        contended = []
        for resource in flow.path.resources:
            if len(resource.flows) > 1:
                contended.append(resource)
                limit = min(limit, resource.capacity)
            elif resource.capacity < cap:
                cap = resource.capacity
        # A cap that no contended resource lets it reach is none.
        key = (tuple(contended), cap if cap < limit else inf)
        if flow.bundle is not None:
            if flow.bundle.key == key:
                return
            if flow.bundle.count == 1 and key not in self._bundles and contended:
                # Nobody to part from and nobody to join: the bundle itself moves.
                self._move(flow.bundle, key)
                return
        elif not contended and flow.ticket >= 0:
            return
        remaining, since, rate = self._progress(flow)
        if flow.bundle is not None:
            self._changed[flow.bundle] = None
            flow.bundle.leave(flow)
        if contended:
            self._join(flow, key, remaining, since, rate)
        elif rate == flow.path.bandwidth:
            self._go_alone(flow, remaining, since)  # as before: its end stays exact
        else:
            now = self._env.now
            self._go_alone(flow, max(remaining - rate * (now - since), 0.0), now)

    def _progress(self, flow: Flow) -> tuple[float, float, float]:
        """What a flow had still to come [B] when it last got another rate, when that was [s], and the rate [B/s]."""
        if flow.bundle is not None:
            service, since, rate = self._shares.progress(flow.bundle.group)
            return flow.target - service, since, rate
        return flow.remaining, flow.since, flow.path.bandwidth if flow.ticket >= 0 else 0.0

    def _go_alone(self, flow: Flow, remaining: float, since: float) -> None:
        """Let `flow` have all the bandwidth of its path."""
        flow.remaining, flow.since = remaining, since
        flow.ticket = next(self._tickets)
        heappush(self._alone, (since + remaining / flow.path.bandwidth, flow.ticket, flow))
        self.counters.direct += 1

    def _join(self, flow: Flow, key: BundleKey, remaining: float, since: float, rate: float) -> None:
        """Let `flow`, with that progress, have the rate of the bundle of that key, which may have to be made."""
        bundle = self._bundles.get(key)
        if bundle is None:
            group = self._shares.add_group(self._numbers_of(key), key[1], since, rate)
            bundle = self._bundles[key] = self._groups[group] = Bundle(key, group)
        else:
            now = self._env.now
            service, at, pace = self._shares.progress(bundle.group)
            remaining = service + pace * (now - at) + max(remaining - rate * (now - since), 0.0)
        bundle.join(flow, remaining, next(self._tickets))
        self._changed[bundle] = None

    def _move(self, bundle: Bundle, key: BundleKey) -> None:
        """Let a bundle compete for other resources."""
        del self._bundles[bundle.key]
        bundle.key = key
        self._bundles[key] = bundle
        self._shares.move_group(bundle.group, self._numbers_of(key), key[1])

    def _close(self, bundle: Bundle) -> None:
        """Forget a bundle whose last flow has left."""
        del self._bundles[bundle.key], self._groups[bundle.group]
        self._shares.remove_group(bundle.group)

    def _numbers_of(self, key: BundleKey) -> list[int]:
        """The resources of a bundle as `FairShares` knows them."""
        for resource in key[0]:
            if resource.number < 0:
                resource.number = self._shares.add_resource(resource.capacity)
        return [resource.number for resource in key[0]]

    def _set_timer(self) -> None:
        """Make sure that a timer fires at the next end."""
        alone = self._alone
        while alone and alone[0][2].ticket != alone[0][1]:
            heappop(alone)
        end = min(alone[0][0], self._bundles_end) if alone else self._bundles_end
        if end < self._timer_at:
            self._timer_at = end
            # Rounding may have put the end a hair before now.
            self._timer = Wakeup(self._env, self._finish_due, max(end, self._env.now))
