"""Messages of a trace, and who shared each one's links while it was under way.

A message alone takes the rate of its slowest link. One that n others accompany over a link gets, by max-min fairness,
1 / (n + 1) of it where all are alike, which in collectives they are. So each link of a message's route is given its
*company*: the mean number of messages on it while this one was under way, itself included. Where the company changed
under way the formula is no more than near; such messages are left out of a fit as long as others like them are there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from simulator.platform.links import Route
from simulator.trace.messages import match_messages
from simulator.trace.spans import Category, Span, Trace

__all__ = ["Flow", "alike", "company", "flows_of"]

#: What `company` says of a flow.
Company = tuple[tuple[float, ...], bool] | None

#: Company that fewer than this share of like messages had came about by chance, and chance is not what is fitted.
_USUAL = 0.25
#: How far from a whole number the company of a message may be that does not change under way.
_STEADY = 0.05


@dataclass(frozen=True)
class Flow:
    """One transfer of a trace: a message, from when both its ends had come to it, or the loading of a batch.

    `source` is -1 for a batch, which comes from the host's memory.
    """

    source: int
    target: int
    size: float
    start: float
    end: float
    step: int
    category: str
    name: str

    @property
    def seconds(self) -> float:
        """How long it took [s]."""
        return self.end - self.start


def flows_of(trace: Trace) -> list[Flow]:
    """Every message and every batch of a trace, in order of their starts."""
    spans = trace.spans
    flows = []
    for sent, received in match_messages(trace).pairs:
        first, second = spans[sent], spans[received]
        start = max(first.start, second.start)
        size = max(first.bytes, second.bytes)
        label = second.name.removeprefix("receive ")
        flows.append(
            Flow(first.rank, second.rank, size, start, second.end, second.step, second.category, f"message {label}")
        )
    flows += [_batch(span) for span in spans if span.category == Category.CPU_GPU_DATA and span.peer < 0]
    return sorted(flows, key=lambda flow: (flow.start, flow.end, flow.source, flow.target))


def _batch(span: Span) -> Flow:
    return Flow(-1, span.rank, span.bytes, span.start, span.end, span.step, span.category, span.name)


def company(
    flows: Sequence[Flow],
    route: Callable[[Flow], Route | None],
    work: Sequence[tuple[str, float, float]] = (),
) -> list[Company]:
    """For each flow, its company on each link of its route and whether that was steady; None for one without a route.

    Parameters
    ----------
    flows : sequence of Flow
        In order of their starts, as `flows_of` gives them.
    route : callable
        The links a flow takes; None if it takes none.
    work : sequence of (resource, start, end)
        What else uses resources that flows compete for: arithmetic, where ranks are processes that share cores.
    """
    routes = [route(flow) for flow in flows]
    users: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for flow, way in zip(flows, routes, strict=True):
        for resource in {link.resource for link in way.links} if way else ():
            users[resource].append((flow.start, flow.end))
    for resource, begin, finish in work:
        if resource in users:
            users[resource].append((begin, finish))
    for intervals in users.values():
        intervals.sort()
    longest = {resource: max(end - start for start, end in near) for resource, near in users.items()}
    found: list[Company] = []
    for flow, way in zip(flows, routes, strict=True):
        if way is None or flow.seconds <= 0.0:
            found.append(None)
            continue
        counts, steady = [], True
        for link in way.links:
            near = users[link.resource]
            together = 0.0
            for start, end in near[bisect_left(near, (flow.start - longest[link.resource], 0.0)) :]:
                if start >= flow.end:
                    break
                together += max(min(end, flow.end) - max(start, flow.start), 0.0)
            count = together / flow.seconds
            steady = steady and abs(count - round(count)) <= _STEADY * count
            counts.append(float(round(count)) if steady else count)
        found.append((tuple(counts), steady))
    return found


def alike(
    flows: Sequence[Flow], together: Sequence[Company], similar: Callable[[Flow], Hashable]
) -> dict[Hashable, tuple[list[Flow], tuple[float, ...]]]:
    """Flows that should take equally long, with their company: by what they have in common, and by that company.

    Company that was steady and usual comes first; only where like messages have none of it, the others are taken, all
    together and with their mean company.

    Parameters
    ----------
    flows, together
        As given to and by `company`.
    similar : callable
        What flows have in common that take equally long alone.
    """
    kinds: defaultdict[Hashable, list[tuple[Flow, tuple[float, ...], bool]]] = defaultdict(list)
    for flow, each in zip(flows, together, strict=True):
        if each is not None:
            kinds[similar(flow)].append((flow, *each))
    classes: dict[Hashable, tuple[list[Flow], tuple[float, ...]]] = {}
    for kind, members in kinds.items():
        steady: defaultdict[tuple[float, ...], list[Flow]] = defaultdict(list)
        for flow, counts, is_steady in members:
            if is_steady:
                steady[counts].append(flow)
        most = max(map(len, steady.values()), default=0)
        for counts, same in steady.items():
            if len(same) >= _USUAL * most:
                classes[kind, counts] = same, counts
        if not steady:
            mean = tuple(sum(each) / len(members) for each in zip(*(counts for _, counts, _ in members), strict=True))
            classes[kind, ()] = [flow for flow, _, _ in members], mean
    return classes
