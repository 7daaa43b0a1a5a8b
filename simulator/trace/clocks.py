"""By how much the clocks of a trace's ranks differ, as far as its messages tell, and putting that right.

No message ends before it was begun, and nobody leaves a synchronising collective before everybody has come. Each such
pair of times of two ranks bounds the difference of their clocks from one side; messages in both directions bound it
from both. Within the bounds the estimate leaves the same least delay in either direction, as if the fastest message
took equally long both ways (the assumption of NTP, Mills 1991, and of most trace tools). With more ranks, a linear
programme maximises the least of these delays and their sum over pairs of ranks. If no constant differences fit but
clocks that run at slightly different speeds do, a drift is estimated in the same way. If nothing fits, the trace
contradicts itself and is refused.

Not realistic where the delays of the two directions differ much: half of that difference becomes an error of the
estimate. The bounds themselves always hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from simulator.errors import InputError
from simulator.trace.messages import match_collectives, match_messages
from simulator.trace.spans import Span, Trace
from simulator.units import format_quantity

__all__ = ["ClockEstimate", "Order", "estimate_clocks", "known_orders", "set_clocks"]

#: Clocks of computers drift by up to about 1e-4; more is no drift but a broken trace.
_LARGEST_DRIFT = 5e-4
#: In collectives of up to so many ranks, all are compared with all.
_SMALL_GROUP = 12


class Order(NamedTuple):
    """Something that happened on rank `before` at time `start` of its clock, before `end` of rank `after`'s clock."""

    before: int
    after: int
    start: float
    end: float
    first: int
    second: int


@dataclass(frozen=True)
class ClockEstimate:
    """What to add to each rank's times: ``offset + drift · time``.

    Attributes
    ----------
    offsets : dict of int to float
        [s] by rank; that of the reference rank is 0.
    drifts : dict of int to float
        Seconds a second by rank; all 0 unless constant offsets do not fit.
    bounds : dict of int to (float, float)
        Least and largest offset [s] that the constant-offset constraints allow; infinite where messages go one way.
    free : tuple of int
        Ranks that no chain of messages in both directions ties to the reference; their clocks are left as they are, or
        moved by the least amount that puts their messages in order.
    """

    reference: int
    offsets: dict[int, float]
    drifts: dict[int, float]
    bounds: dict[int, tuple[float, float]] = field(default_factory=dict)
    free: tuple[int, ...] = ()

    def describe(self) -> list[str]:
        """A line for each rank whose clock is changed."""
        lines = []
        for rank, offset in sorted(self.offsets.items()):
            drift = self.drifts.get(rank, 0.0)
            if abs(offset) < 1e-12 and not drift:
                continue
            low, high = self.bounds.get(rank, (-np.inf, np.inf))
            way = "behind" if offset > 0 else "ahead of"
            text = f"rank {rank}: clock {format_quantity(abs(offset), 'time')} {way} rank {self.reference}'s"
            if drift:
                text += f", and it loses {drift * 1e6:.3g} us a second"
            elif np.isfinite(low) and np.isfinite(high):
                text += f", known to ± {format_quantity((high - low) / 2, 'time')}"
            lines.append(text + "; shifted")
        return lines


def known_orders(trace: Trace) -> list[Order]:
    """All pairs of times of different ranks whose order is known, from messages and synchronising collectives."""
    spans = trace.spans
    orders = []
    for sent, received in match_messages(trace).pairs:
        one, other = spans[sent], spans[received]
        orders.append(Order(one.rank, other.rank, one.start, other.end, sent, received))
    for call in match_collectives(trace):
        for i, j in _pairs(call, spans):
            orders.append(Order(spans[i].rank, spans[j].rank, spans[i].start, spans[j].end, i, j))
    return [order for order in orders if np.isfinite(order.start) and np.isfinite(order.end)]


def _pairs(call: list[int], spans: list[Span]) -> list[tuple[int, int]]:
    """Which members' begins and ends to compare: all with all, or in a large group those that matter most.

    Those are the first rank with all others, and all with the last to begin and the first to end as the clocks are.
    """
    if len(call) <= _SMALL_GROUP:
        return [(i, j) for i in call for j in call if i != j]
    last, first = max(call, key=lambda i: spans[i].start), min(call, key=lambda i: spans[i].end)
    pairs = {(i, j) for k in call for i, j in ((call[0], k), (k, call[0]), (last, k), (k, first)) if i != j}
    return sorted(pairs)


def estimate_clocks(trace: Trace) -> ClockEstimate:
    """Offsets of the ranks' clocks from that of the first rank.

    Raises
    ------
    InputError
        If no offsets and no plausible drift put all messages in order; the text names two events that contradict.
    """
    orders = known_orders(trace)
    ranks = sorted({rank.index for rank in trace.ranks} | {span.rank for span in trace.spans})
    if not orders or len(ranks) < 2:
        return ClockEstimate(ranks[0] if ranks else 0, dict.fromkeys(ranks, 0.0), dict.fromkeys(ranks, 0.0))
    reference = ranks[0]
    position = {rank: number for number, rank in enumerate(ranks)}
    distance = _shortest(orders, position)
    contradiction = bool(np.any(np.diagonal(distance) < -_tolerance(trace)))
    bounds = {rank: (float(-distance[0, k]), float(distance[k, 0])) for rank, k in position.items()}
    # The programme starts from the middle of what is known, so that its numbers are as small as the delays.
    centre = {rank: _middle(*bounds[rank]) for rank in ranks}
    if contradiction:
        centre = {rank: _direct_middle(orders, reference, rank) for rank in ranks}
    centre[reference] = 0.0
    moved = [o._replace(start=o.start + centre[o.before], end=o.end + centre[o.after]) for o in orders]
    solution = _solve(moved, ranks, drifting=contradiction)
    if solution is None:
        raise InputError(_contradiction(trace, orders))
    offsets, drifts = solution
    # Drift counts from time 0 of the clock as it was.
    offsets = {rank: offset + centre[rank] * (1.0 + drifts[rank]) for rank, offset in offsets.items()}
    free = tuple(rank for rank in ranks if not all(np.isfinite(bounds[rank])))
    return ClockEstimate(reference, offsets, drifts, {} if contradiction else bounds, free)


def set_clocks(trace: Trace, estimate: ClockEstimate) -> Trace:
    """The trace with the estimate applied, and moved as a whole so that it begins at 0. The spans keep their order."""
    moved = []
    for span in trace.spans:
        offset, drift = estimate.offsets.get(span.rank, 0.0), estimate.drifts.get(span.rank, 0.0)
        start, end = (time + offset + drift * time for time in (span.start, span.end))
        moved.append(span._replace(start=start, end=max(start, end)))
    origin = min((span.start for span in moved), default=0.0)
    moved = [span._replace(start=span.start - origin, end=span.end - origin) for span in moved]
    return Trace(trace.ranks, moved, dict(trace.metadata))


def _tolerance(trace: Trace) -> float:
    return 1e-12 * max((abs(span.end) for span in trace.spans if np.isfinite(span.end)), default=0.0)


def _middle(low: float, high: float) -> float:
    """The middle of a range, or its value nearest to 0 if it is open."""
    if np.isfinite(low) and np.isfinite(high):
        return (low + high) / 2
    return max(0.0, low) if np.isfinite(low) else min(0.0, high)


def _direct_middle(orders: list[Order], reference: int, rank: int) -> float:
    """A first guess at a drifting clock's offset: the middle of what its own messages with the reference say."""
    high = [o.end - o.start for o in orders if (o.before, o.after) == (rank, reference)]
    low = [o.start - o.end for o in orders if (o.before, o.after) == (reference, rank)]
    return float(np.median(high) + np.median(low)) / 2 if high and low else 0.0


def _shortest(orders: list[Order], position: Mapping[int, int]) -> np.ndarray:
    """Least upper bounds of ``o_i - o_j`` by chains of constraints (Floyd and Warshall); entry [i, j] of (n, n).

    ``start + o_before <= end + o_after`` bounds ``o_before - o_after`` by ``end - start``.
    """
    n = len(position)
    distance = np.full((n, n), np.inf)
    np.fill_diagonal(distance, 0.0)
    for order in orders:
        place = (position[order.before], position[order.after])
        distance[place] = min(distance[place], order.end - order.start)
    for middle in range(n):
        distance = np.minimum(distance, distance[:, middle, None] + distance[None, middle, :])
    return distance


def _solve(orders: list[Order], ranks: list[int], drifting: bool) -> tuple[dict[int, float], dict[int, float]] | None:
    """Offsets and drifts with the largest sum of least delays, by linear programming; None if nothing fits."""
    # Takes longer to import than most traces to check.
    from scipy.optimize import linprog

    position = {rank: number for number, rank in enumerate(ranks)}
    tight = _tightest(orders, drifting)
    directions = {(o.before, o.after) for o in tight}
    # Where messages go both ways there is a least delay to maximise; elsewhere it would be without limit.
    pairs = {pair: number for number, pair in enumerate(sorted(p for p in directions if p < p[::-1] in directions))}
    n = len(ranks)
    scale = max(1e-12, *(abs(o.end - o.start) for o in tight))
    longest = max(1e-12, *(abs(o.end) for o in tight))
    # Columns, all of the order of 1: offsets / scale, drifts · longest / scale, their sizes, least delays / scale.
    offset, drift, size, delay, least = 0, n, 2 * n, 4 * n, 4 * n + len(pairs)
    rows, limits = [], []
    for order in tight:
        row = np.zeros(least + 1)
        before, after = position[order.before], position[order.after]
        row[offset + before], row[offset + after] = 1.0, -1.0
        row[drift + before], row[drift + after] = order.start / longest, -order.end / longest
        pair = (min(order.before, order.after), max(order.before, order.after))
        if pair in pairs:
            row[delay + pairs[pair]] = 1.0
        rows.append(row)
        limits.append((order.end - order.start) / scale)
    for column in range(2 * n):
        for sign in (1.0, -1.0):
            row = np.zeros(least + 1)
            row[column], row[size + column] = sign, -1.0
            rows.append(row)
            limits.append(0.0)
    for number in range(len(pairs)):
        row = np.zeros(least + 1)
        row[least], row[delay + number] = 1.0, -1.0
        rows.append(row)
        limits.append(0.0)
    most = _LARGEST_DRIFT * longest / scale if drifting else 0.0
    # Of equally good estimates, the one that changes least.
    cost = [*[0.0] * (2 * n), *[1e-6] * (2 * n), *[-1.0] * len(pairs), -float(len(pairs))]
    still = [(0.0, 0.0)]
    bounds = [*still, *[(None, None)] * (n - 1), *still, *[(-most, most)] * (n - 1)]
    bounds += [(0.0, None)] * (2 * n + len(pairs)) + [(0.0, None if pairs else 0.0)]
    found = linprog(
        cost,
        A_ub=np.array(rows),
        b_ub=np.array(limits),
        bounds=bounds,
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10},
    )
    if found.status != 0 or found.x is None:
        return None
    offsets = {rank: float(found.x[offset + k] * scale) for rank, k in position.items()}
    return offsets, {rank: float(found.x[drift + k] * scale / longest) for rank, k in position.items()}


def _tightest(orders: list[Order], drifting: bool) -> list[Order]:
    """The orders that can bound anything: with constant offsets, the smallest difference of each direction.

    With drifts, the lower convex hull of the differences over time.
    """
    directions: defaultdict[tuple[int, int], list[Order]] = defaultdict(list)
    for order in orders:
        directions[order.before, order.after].append(order)
    kept: list[Order] = []
    for found in directions.values():
        if not drifting:
            kept.append(min(found, key=lambda o: o.end - o.start))
            continue
        hull: list[Order] = []
        for order in sorted(found, key=lambda o: (o.start, o.end - o.start)):
            while len(hull) >= 2 and _above(hull[-2], hull[-1], order):
                hull.pop()
            hull.append(order)
        kept += hull
    return kept


def _above(first: Order, middle: Order, last: Order) -> bool:
    """Whether the middle one's difference lies on or above the line between its neighbours' (over start times)."""
    run, rise = last.start - first.start, (last.end - last.start) - (first.end - first.start)
    return ((middle.end - middle.start) - (first.end - first.start)) * run >= rise * (middle.start - first.start)


def _contradiction(trace: Trace, orders: list[Order]) -> str:
    """Two events that no offset can both put in order, in words."""
    least: dict[tuple[int, int], Order] = {}
    for order in orders:
        key = (order.before, order.after)
        if key not in least or order.end - order.start < least[key].end - least[key].start:
            least[key] = order
    worst: tuple[float, Order, Order] | None = None
    for (before, after), one in least.items():
        other = least.get((after, before))
        if other is not None:
            total = one.end - one.start + other.end - other.start
            if total < 0 and (worst is None or total < worst[0]):
                worst = (total, one, other)
    if worst is None:
        return "no clock offsets put all messages in order: three or more ranks contradict one another"
    described = [
        f"{_event(trace.spans[o.second], o.second)} against {_event(trace.spans[o.first], o.first)}" for o in worst[1:]
    ]
    return (
        f"no clock offset puts all messages between ranks {worst[1].before} and {worst[1].after} in order: "
        f"{described[0]} contradicts {described[1]}"
    )


def _event(span: Span, index: int) -> str:
    return f"span {index} ({span.name!r} of rank {span.rank}, {span.start:.9g} to {span.end:.9g} s)"
