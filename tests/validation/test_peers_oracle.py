"""The fluid network against an oracle that shares nothing with it: exact fractions, every flow looked at every time.

Rates are raised together, bit by bit, until a link is full; then its flows stay as they are and the others go on. All
of it anew at every start and end of a flow. No heaps, bundles or tolerances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.platform.links import Link, Route
from validation.peers.flow_sets import FLOW_SETS
from validation.peers.flows import Flow, simulate_flows

#: What the oracle counts in: `Fraction` is exact, `float` fast.
Number = Callable[[float], Fraction]


def naive_rates(crossed: dict[int, set[str]], capacity: dict[str, Fraction]) -> dict[int, Fraction]:
    """Rates of flows, given the links that each crosses."""
    rates = {flow: 0 * next(iter(capacity.values())) for flow in crossed}
    growing = set(crossed)
    while growing:
        headroom = {}
        for link in set().union(*(crossed[flow] for flow in growing)):
            used = sum(rates[flow] for flow in crossed if link in crossed[flow])
            headroom[link] = (capacity[link] - used) / sum(link in crossed[flow] for flow in growing)
        step = min(headroom.values())
        for flow in growing:
            rates[flow] += step
        full = {link for link, room in headroom.items() if room == step}
        growing = {flow for flow in growing if not crossed[flow] & full}
    return rates


def naive_arrivals(flows: Sequence[Flow], number: Number = Fraction) -> list[Fraction]:
    """When each flow arrives; a limit on its rate is a link of its own."""
    crossed = [{link.resource for link in flow.route.links} for flow in flows]
    capacity = {link.resource: number(link.bandwidth) for flow in flows for link in flow.route.links}
    for place, flow in enumerate(flows):
        if flow.route.rate_cap < inf:
            crossed[place].add(f"limit {place}")
            capacity[f"limit {place}"] = number(flow.route.rate_cap)
    begin = [
        number(flow.start) + number(flow.route.overhead) + sum(number(link.latency) for link in flow.route.links)
        for flow in flows
    ]
    left = {place: number(flow.size) for place, flow in enumerate(flows)}
    ends: dict[int, Fraction] = {}
    now = number(0.0)
    while left:
        present = [place for place in left if begin[place] <= now]
        moments = [begin[place] for place in left if begin[place] > now]
        rates = naive_rates({place: crossed[place] for place in present}, capacity) if present else {}
        due = {place: now + left[place] / rate for place, rate in rates.items()}
        then = min([*moments, *due.values()])
        for place, rate in rates.items():
            left[place] -= rate * (then - now)
        for place, end in due.items():
            if end == then:
                ends[place] = then
                del left[place]
        now = then
    return [ends[place] for place in range(len(flows))]


def ours(flows: Sequence[Flow]) -> list[float]:
    times = simulate_flows(flows)
    return [times[str(place)][0][1] for place in range(len(flows))]


def wire(name: str, bandwidth: float, latency: float = 0.0) -> Link:
    return Link(name, name, name, bandwidth, latency, "wire", name)


@st.composite
def flow_sets(draw: st.DrawFn) -> list[Flow]:
    """Small numbers, so that coincidences are common: starts with ends, ends with ends, links that fill together."""
    links = [
        wire(f"l{place}", draw(st.integers(1, 12)), draw(st.sampled_from([0.0, 0.125, 0.5]))) for place in range(6)
    ]
    route = st.builds(
        Route,
        st.lists(st.sampled_from(links), min_size=1, max_size=4, unique=True).map(tuple),
        st.sampled_from([0.0, 0.25]),
        st.sampled_from([inf, inf, 1.0, 2.5]),
    )
    start = st.integers(0, 20).map(lambda quarters: quarters / 4)
    return draw(st.lists(st.builds(Flow, start, route, st.integers(1, 60)), min_size=1, max_size=12))


def test_the_oracle_on_a_case_worked_by_hand() -> None:
    """Links x of 10 and y of 6. A on x: 100 B; B on x and y: 30 B; C on y: 60 B; all at 0.

    y fills first at 3 each, A goes on to the 7 left on x. B ends at 10, when A has had 70 and C 30; then A has 10 and
    ends at 13, C has 6 and ends at 15.
    """
    x, y = wire("x", 10.0), wire("y", 6.0)
    flows = [Flow(0.0, Route((x,)), 100), Flow(0.0, Route((x, y)), 30), Flow(0.0, Route((y,)), 60)]
    assert naive_arrivals(flows) == [13, 10, 15]


@settings(max_examples=200, deadline=None)
@given(flows=flow_sets())
def test_random_flows_arrive_when_the_exact_oracle_says(flows: list[Flow]) -> None:
    assert ours(flows) == pytest.approx([float(end) for end in naive_arrivals(flows)], rel=1e-12)


@pytest.mark.parametrize("kind", FLOW_SETS)
def test_flow_sets_compared_with_peers_arrive_when_the_oracle_says(kind: str) -> None:
    flows = FLOW_SETS[kind](np.random.default_rng(100))[:120]
    assert ours(flows) == pytest.approx(naive_arrivals(flows, number=float), rel=1e-9)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", FLOW_SETS)
def test_flow_sets_are_contended(kind: str) -> None:
    """Otherwise comparing them would say nothing about sharing."""
    flows = FLOW_SETS[kind](np.random.default_rng(0))
    alone = [flow.start + flow.route.time(flow.size) for flow in flows]
    late = [end > 1.01 * least for end, least in zip(ours(flows), alone, strict=True)]
    assert sum(late) > len(flows) / 4
