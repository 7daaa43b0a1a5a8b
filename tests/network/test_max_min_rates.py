"""The allocation is max-min fair and within capacity, and agrees with a plain slow one."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.network.max_min import max_min_rates


def fill_slowly(routes, capacities, caps, counts):
    """Oracle: raise all rates together in steps, each until the next resource fills up or flow reaches its cap."""
    rates = [0.0] * len(routes)
    growing = set(range(len(routes)))
    while growing:
        steps = [caps[flow] - rates[flow] for flow in growing]
        for resource, capacity in enumerate(capacities):
            used = sum(rates[flow] * counts[flow] for flow, route in enumerate(routes) if resource in route)
            load = sum(counts[flow] for flow in growing if resource in routes[flow])
            if load:
                steps.append((capacity - used) / load)
        step = min(steps)
        if step == inf:
            return [inf if flow in growing else rate for flow, rate in enumerate(rates)]
        for flow in growing:
            rates[flow] += max(step, 0.0)
        full = {
            resource
            for resource, capacity in enumerate(capacities)
            if sum(rates[flow] * counts[flow] for flow, route in enumerate(routes) if resource in route)
            >= capacity * (1 - 1e-9)
        }
        growing = {f for f in growing if rates[f] < caps[f] * (1 - 1e-9) and not full & set(routes[f])}
    return rates


@st.composite
def problems(draw):
    resources = draw(st.integers(1, 8))
    # Round numbers make ties, odd ones make none.
    capacity = st.one_of(st.sampled_from([1.0, 2.0, 10.0]), st.floats(0.1, 100.0))
    capacities = draw(st.lists(capacity, min_size=resources, max_size=resources))
    route = st.lists(st.integers(0, resources - 1), unique=True, max_size=4)
    flows = draw(st.integers(0, 12))
    routes = draw(st.lists(route, min_size=flows, max_size=flows))
    cap = st.one_of(st.just(inf), st.sampled_from([0.5, 1.0]), st.floats(0.01, 100.0))
    caps = draw(st.lists(cap, min_size=flows, max_size=flows))
    counts = draw(st.lists(st.integers(1, 5), min_size=flows, max_size=flows))
    return routes, capacities, caps, counts


@settings(max_examples=150, deadline=None)
@given(problem=problems())
def test_rates_equal_those_of_the_slow_oracle(problem) -> None:
    assert max_min_rates(*problem) == pytest.approx(fill_slowly(*problem), rel=1e-6)


@settings(max_examples=150, deadline=None)
@given(problem=problems())
def test_rates_are_within_capacity_and_max_min_fair(problem) -> None:
    routes, capacities, caps, counts = problem
    rates = max_min_rates(*problem)
    used = [0.0] * len(capacities)
    fastest = [0.0] * len(capacities)
    for route, rate, count in zip(routes, rates, counts, strict=True):
        for resource in route:
            used[resource] += rate * count
            fastest[resource] = max(fastest[resource], rate)
    assert all(load <= capacity * (1 + 1e-9) for load, capacity in zip(used, capacities, strict=True))
    for route, rate, cap in zip(routes, rates, caps, strict=True):
        at_cap = rate == cap
        bottlenecked = any(
            used[resource] >= capacities[resource] * (1 - 1e-9) and rate >= fastest[resource] * (1 - 1e-9)
            for resource in route
        )
        assert rate <= cap
        assert at_cap or bottlenecked


@settings(max_examples=50, deadline=None)
@given(problem=problems(), data=st.data())
def test_the_order_of_flows_does_not_matter(problem, data) -> None:
    routes, capacities, caps, counts = problem
    order = data.draw(st.permutations(range(len(routes))))
    rates = max_min_rates(*problem)
    shuffled = max_min_rates(
        [routes[i] for i in order], capacities, [caps[i] for i in order], [counts[i] for i in order]
    )
    assert shuffled == pytest.approx([rates[i] for i in order], rel=1e-12)


@settings(max_examples=50, deadline=None)
@given(problem=problems())
def test_a_count_stands_for_that_many_equal_flows(problem) -> None:
    routes, capacities, caps, counts = problem
    one_by_one = [i for i, count in enumerate(counts) for _ in range(count)]
    rates = max_min_rates([routes[i] for i in one_by_one], capacities, [caps[i] for i in one_by_one])
    assert rates == pytest.approx([max_min_rates(*problem)[i] for i in one_by_one], rel=1e-9)


def test_textbook_case_worked_by_hand() -> None:
    """Four flows on three links, after the linear-network example of Bertsekas and Gallager.

    Link 0 of 1: flows A, B, C. Link 1 of 1: flows C, D. Link 2 of 2: flow D and E.
    Link 0 fills first, at 1/3 each: A = B = C = 1/3. Link 1 has 2/3 left for D, link 2 then 4/3 for E.
    """
    rates = max_min_rates([[0], [0], [0, 1], [1, 2], [2]], [1.0, 1.0, 2.0], [inf] * 5, [1] * 5)
    assert rates == pytest.approx([1 / 3, 1 / 3, 1 / 3, 2 / 3, 4 / 3], rel=1e-15)


def test_what_a_capped_flow_leaves_goes_to_the_others() -> None:
    """A link of 10 and three flows, one capped at 1: the others get 4.5 each."""
    assert max_min_rates([[0]] * 3, [10.0], [inf, 1.0, inf], [1] * 3) == pytest.approx([4.5, 1.0, 4.5], rel=1e-15)


def test_a_flow_without_resources_gets_its_cap() -> None:
    assert max_min_rates([[], []], [1.0], [3.0, inf], [1, 1]) == [3.0, inf]


def test_no_flows_get_no_rates() -> None:
    assert max_min_rates([], [1.0]) == []
