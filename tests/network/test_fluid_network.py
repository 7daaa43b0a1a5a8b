"""The fluid network against cases worked by hand and laws: α + nβ alone, fairness, locality, conservation."""

from collections.abc import Sequence
from math import inf, nan

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.network.alpha_beta import AlphaBetaNetwork
from simulator.network.base import network_models
from simulator.network.fluid import FluidNetwork
from simulator.network.max_min import max_min_rates
from simulator.platform.links import Link, Route


def link(name: str, bandwidth: float, latency: float = 0.0, resource: str = "", medium: str = "wire") -> Link:
    return Link(name, name + ".from", name + ".to", bandwidth, latency, medium, resource or name)


def arrivals(network, env: simpy.Environment, messages: Sequence[tuple[float, Route, float]]) -> list[float]:
    """When each (start, route, size) arrives."""
    times = [nan] * len(messages)

    def send(index: int, start: float, route: Route, size: float):
        yield env.timeout(start)
        yield network.transfer(route, size)
        times[index] = env.now

    processes = [env.process(send(index, *message)) for index, message in enumerate(messages)]
    env.run(env.all_of(processes))
    return times


def fluid_arrivals(messages: Sequence[tuple[float, Route, float]]) -> list[float]:
    env = simpy.Environment()
    return arrivals(FluidNetwork(env), env, messages)


# Alone


@settings(max_examples=60, deadline=None)
@given(
    size=st.floats(1.0, 1e12),
    overhead=st.floats(0.0, 1e-3),
    latencies=st.lists(st.floats(0.0, 1e-3), max_size=4),
    bandwidth=st.floats(1e6, 1e12),
    cap=st.one_of(st.just(inf), st.floats(1e5, 1e12)),
)
def test_alone_a_message_takes_overhead_latency_and_size_over_bandwidth(
    size: float, overhead: float, latencies: list[float], bandwidth: float, cap: float
) -> None:
    links = tuple(link(f"l{i}", bandwidth * (1 + i % 2), latency) for i, latency in enumerate(latencies))
    route = Route(links, overhead, cap)
    rate = min(bandwidth, cap) if links else cap
    expected = overhead + sum(latencies) + size / rate
    assert fluid_arrivals([(0.0, route, size)]) == [pytest.approx(expected, rel=1e-12)]


@settings(max_examples=100, deadline=None)
@given(
    start=st.floats(0.0, 1e6),
    delay=st.floats(0.0, 1e-3),
    size=st.floats(1.0, 1e12),
    bandwidth=st.floats(1e6, 1e12),
    others=st.lists(st.tuples(st.floats(0.0, 1e6), st.floats(1.0, 1e12)), max_size=5),
)
def test_a_message_that_never_shares_ends_at_exactly_start_plus_delay_plus_size_over_bandwidth(
    start: float, delay: float, size: float, bandwidth: float, others: list[tuple[float, float]]
) -> None:
    """To the last digit, whatever other links carry and whenever their timers were set."""
    elsewhere = [(begin, Route((link(f"l{i}", 1e9),)), bytes_) for i, (begin, bytes_) in enumerate(others)]
    messages = [(start, Route((link("a", bandwidth, delay),)), size), *elsewhere]
    assert fluid_arrivals(messages)[0] == (start + delay) + size / bandwidth


def test_ends_that_differ_in_the_last_digit_on_links_of_their_own_stay_apart() -> None:
    sizes = [1.0, 1.0 + 2**-52]
    assert fluid_arrivals([(0.0, Route((link(f"l{i}", 1.0),)), size) for i, size in enumerate(sizes)]) == sizes


def test_a_message_without_bytes_takes_overhead_and_latency_only() -> None:
    assert fluid_arrivals([(0.0, Route((link("a", 1.0, 2.0), link("b", 1.0, 3.0)), 4.0), 0)]) == [9.0]


def test_a_message_inside_one_memory_takes_its_overhead_only() -> None:
    assert fluid_arrivals([(0.0, Route((), 2.5), 1e9)]) == [2.5]


@pytest.mark.parametrize("model", network_models().values())
@pytest.mark.parametrize("size", [-1.0, nan, inf, -inf])
def test_impossible_sizes_are_refused(model, size: float) -> None:
    with pytest.raises(ValueError, match="size of a message must be finite and not negative"):
        model(simpy.Environment()).transfer(Route((link("a", 1.0),)), size)


def test_a_link_without_bandwidth_is_refused() -> None:
    with pytest.raises(InputError, match=r"link a: bandwidth: expected more than 0 B/s, got 0"):
        FluidNetwork(simpy.Environment()).transfer(Route((link("a", 0.0),)), 1.0)


# By hand


@pytest.mark.parametrize("flows", [2, 3, 10])
def test_equal_flows_on_one_link_take_exactly_that_many_times_as_long(flows: int) -> None:
    shared = link("a", 100.0)
    assert fluid_arrivals([(0.0, Route((shared,)), 50.0)] * flows) == [0.5 * flows] * flows


def test_a_late_comer_slows_the_first_from_then_on() -> None:
    """Link of 10 B/s. A: 100 B at 0; B: 30 B at 4.

    A alone until 4: 40 B. Then 5 B/s each: B ends at 4 + 30/5 = 10, when A has 30 more, 70 B. The last 30 at 10 B/s:
    A ends at 13.
    """
    shared = Route((link("a", 10.0),))
    assert fluid_arrivals([(0.0, shared, 100.0), (4.0, shared, 30.0)]) == pytest.approx([13.0, 10.0], rel=1e-14)


def test_bandwidth_freed_on_one_link_moves_a_bottleneck_elsewhere() -> None:
    """Links x of 10 and y of 6 B/s. A on x: 100 B; B on x and y: 30 B; C on y: 60 B; all at 0.

    y is tighter: B = C = 3, A gets the 7 left on x. B ends at 10: A has had 70, C 30. Then A gets 10 and ends at 13;
    C gets 6 and ends at 15.
    """
    x, y = link("x", 10.0), link("y", 6.0)
    messages = [(0.0, Route((x,)), 100.0), (0.0, Route((x, y)), 30.0), (0.0, Route((y,)), 60.0)]
    assert fluid_arrivals(messages) == pytest.approx([13.0, 10.0, 15.0], rel=1e-14)


def test_latency_delays_a_flow_and_keeps_it_from_competing() -> None:
    """Link of 10 B/s. A: 20 B at once; B: 10 B after 2 s of latency on another link. A is through at 2, B at 3."""
    shared = link("a", 10.0)
    late = Route((link("slow start", 100.0, 2.0), shared))
    assert fluid_arrivals([(0.0, Route((shared,)), 20.0), (0.0, late, 10.0)]) == pytest.approx([2.0, 3.0], rel=1e-14)


def test_a_capped_flow_leaves_the_rest_to_others() -> None:
    """Link of 10 B/s. A capped at 2: 20 B, 10 s. B gets 8: 40 B in 5 s."""
    shared = link("a", 10.0)
    assert fluid_arrivals([(0.0, Route((shared,), rate_cap=2.0), 20.0), (0.0, Route((shared,)), 40.0)]) == [10.0, 5.0]


def test_both_directions_of_a_half_duplex_medium_share_it() -> None:
    there, back = link("there", 10.0, resource="bus"), link("back", 10.0, resource="bus")
    assert fluid_arrivals([(0.0, Route((there,)), 50.0), (0.0, Route((back,)), 50.0)]) == [10.0, 10.0]
    there, back = link("there", 10.0), link("back", 10.0)
    assert fluid_arrivals([(0.0, Route((there,)), 50.0), (0.0, Route((back,)), 50.0)]) == [5.0, 5.0]


def test_a_message_does_not_compete_with_itself_on_a_shared_medium() -> None:
    """A bus carries each byte once, though the route enters and leaves it by two links."""
    onto, off = link("onto", 10.0, resource="bus"), link("off", 10.0, resource="bus")
    assert fluid_arrivals([(0.0, Route((onto, off)), 50.0)]) == [5.0]


def test_incast_with_different_sizes_is_processor_sharing() -> None:
    """n senders, private links, one receiver of 100 B/s; sizes 10, 20, 30: ends at 0.3, 0.5 and 0.6."""
    down = link("down", 100.0)
    messages = [(0.0, Route((link(f"up{i}", 100.0), down)), 10.0 * (i + 1)) for i in range(3)]
    assert fluid_arrivals(messages) == pytest.approx([0.3, 0.5, 0.6], rel=1e-14)


def test_a_flow_whose_rate_never_changed_ends_without_drift() -> None:
    """Its neighbours come and go, but its own cap binds throughout."""
    shared = link("a", 100.0)
    slow = Route((shared,), rate_cap=1.0)
    messages = [(0.0, slow, 1000.0 / 3.0)] + [(0.1 * i, Route((shared,)), 3.0) for i in range(3000)]
    assert fluid_arrivals(messages)[0] == pytest.approx(1000.0 / 3.0, rel=1e-15)


# Locality: counted


def test_everything_at_one_instant_costs_one_solve() -> None:
    env = simpy.Environment()
    network = FluidNetwork(env)
    shared = Route((link("a", 10.0),))
    arrivals(network, env, [(1.0, shared, 50.0)] * 20)
    assert network.counters.solves == 1  # all start together, and end together: then nobody is left
    arrivals(network, env, [(1.0, shared, 50.0)] * 10 + [(1.0, shared, 80.0)] * 10)
    assert network.counters.solves == 3  # together at the start; again when ten of them end


def test_ends_that_differ_by_rounding_are_one_instant() -> None:
    """Ten flows that start one after the other, sized to end together at 11 s."""
    env = simpy.Environment()
    network = FluidNetwork(env)
    shared = Route((link("a", 0.1),))
    finish = 1.0
    sizes = [sum(0.1 / (min(j, 9) + 1) * (1 if j < 9 else finish) for j in range(i, 10)) for i in range(10)]
    times = arrivals(network, env, [(float(i), shared, size) for i, size in enumerate(sizes)])
    assert times == [times[0]] * 10
    assert times[0] == pytest.approx(10.0, rel=1e-12)
    assert network.counters.solves == 9  # one for each arrival but the first, which is alone


def test_unrelated_flows_are_not_solved_again() -> None:
    env = simpy.Environment()
    network = FluidNetwork(env)
    busy = Route((link("a", 10.0),))
    other = Route((link("b", 10.0),))
    alone = Route((link("c", 10.0),))
    arrivals(network, env, [(0.0, busy, 1e6)] * 50 + [(1.0, other, 30.0), (2.0, other, 30.0), (3.0, alone, 10.0)])
    # 50 flows on a at 0; two on b from 2 on; the first of these ends and leaves the other alone, as c's always was.
    assert network.counters.solves == 2
    assert network.counters.solved_flows == 50 + 2


def test_a_chain_of_shared_links_is_one_component() -> None:
    env = simpy.Environment()
    network = FluidNetwork(env)
    links = [link(f"l{i}", 10.0) for i in range(6)]
    arrivals(network, env, [(0.0, Route((links[i], links[i + 1])), 10.0) for i in range(5)])
    assert network.counters.solves == 1
    assert network.counters.solved_flows == 5


def test_flows_that_share_nothing_are_never_solved() -> None:
    env = simpy.Environment()
    network = FluidNetwork(env)
    messages = [(0.1 * i, Route((link(f"l{i}", 10.0),)), 5.0) for i in range(30)]
    arrivals(network, env, messages)
    assert network.counters.solves == 0
    assert network.counters.direct == network.counters.transfers == 30


# Laws on random platforms


@st.composite
def scenes(draw):
    """Messages on random routes over few links, with starts that coincide often."""
    bandwidths = draw(st.lists(st.sampled_from([1.0, 2.0, 10.0, 3.7]), min_size=1, max_size=6))
    links = [link(f"l{i}", bandwidth, 0.25 * (i % 2)) for i, bandwidth in enumerate(bandwidths)]
    chosen = st.lists(st.sampled_from(links), unique=True, max_size=3).map(tuple)
    cap = st.sampled_from([inf, inf, 1.5])
    routes = draw(st.lists(st.builds(Route, chosen, st.sampled_from([0.0, 0.5]), cap), min_size=1, max_size=6))
    start = st.one_of(st.sampled_from([0.0, 1.0, 2.0]), st.floats(0.0, 10.0))
    size = st.one_of(st.sampled_from([0.0, 1.0, 8.0]), st.floats(0.01, 50.0))
    return draw(st.lists(st.tuples(start, st.sampled_from(routes), size), min_size=1, max_size=12))


def simulate_slowly(messages: Sequence[tuple[float, Route, float]]) -> list[float]:
    """Oracle: all rates anew for all flows at every start and end, remaining bytes kept for each."""
    names = sorted({link.resource for _, route, _ in messages for link in route.links})
    capacity = {link.resource: link.bandwidth for _, route, _ in messages for link in route.links}
    begin = [start + route.overhead + route.latency for start, route, _ in messages]
    remaining = [size if route.bandwidth < inf else 0.0 for _, route, size in messages]
    ends = [start if left == 0 else nan for start, left in zip(begin, remaining, strict=True)]
    now = 0.0
    while any(end != end for end in ends):
        active = [i for i, end in enumerate(ends) if end != end and begin[i] <= now]
        routes = [[names.index(link.resource) for link in messages[i][1].links] for i in active]
        rates = max_min_rates(routes, [capacity[name] for name in names], [messages[i][1].rate_cap for i in active])
        starts = [start for start in begin if start > now]
        stops = [now + remaining[i] / rate for i, rate in zip(active, rates, strict=True)]
        upcoming = min(starts + stops)
        for i, rate, stop in zip(active, rates, stops, strict=True):
            remaining[i] -= rate * (upcoming - now)
            if stop <= upcoming + 1e-12:
                ends[i] = upcoming
        now = upcoming
    return ends


@settings(max_examples=150, deadline=None)
@given(messages=scenes())
def test_arrivals_equal_those_of_the_slow_oracle(messages) -> None:
    assert fluid_arrivals(messages) == pytest.approx(simulate_slowly(messages), rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(messages=scenes(), data=st.data())
def test_the_order_in_which_messages_are_listed_does_not_matter(messages, data) -> None:
    order = data.draw(st.permutations(range(len(messages))))
    expected = fluid_arrivals(messages)
    shuffled = fluid_arrivals([messages[i] for i in order])
    assert shuffled == pytest.approx([expected[i] for i in order], rel=1e-10)


@settings(max_examples=60, deadline=None)
@given(messages=scenes())
def test_bytes_are_conserved_and_no_resource_carries_more_than_it_can(messages) -> None:
    env = simpy.Environment()
    network = FluidNetwork(env)
    last = max(arrivals(network, env, messages))
    crossed = sum(size * len(route.links) for _, route, size in messages)
    assert sum(network.traffic().values()) == pytest.approx(crossed)
    assert sum(use.bytes for use in network.uses()) == pytest.approx(crossed)
    for use in network.uses():
        assert use.load <= use.busy * (1 + 1e-9)
        assert use.busy <= last * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(messages=scenes())
def test_contention_never_makes_the_last_arrival_earlier(messages) -> None:
    env = simpy.Environment()
    without = arrivals(AlphaBetaNetwork(env), env, messages)
    assert all(fluid >= alone * (1 - 1e-12) for fluid, alone in zip(fluid_arrivals(messages), without, strict=True))


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1e9)), min_size=1, max_size=8))
def test_fluid_equals_alpha_beta_when_nothing_is_shared(sizes) -> None:
    messages = [
        (start, Route((link(f"u{i}", 1e9, 1e-6), link(f"d{i}", 2e9, 1e-6)), 1e-6), size)
        for i, (start, size) in enumerate(sizes)
    ]
    env = simpy.Environment()
    expected = arrivals(AlphaBetaNetwork(env), env, messages)
    assert fluid_arrivals(messages) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(one=scenes(), other=scenes())
def test_unrelated_components_do_not_disturb_each_other(one, other) -> None:
    """The links of two scenes are different objects; names are made different too."""
    rename: dict[Link, Link] = {}
    for _, route, _ in other:
        for old in route.links:
            rename.setdefault(old, link("z" + old.name, old.bandwidth, old.latency))
    moved = [
        (start, Route(tuple(rename[old] for old in route.links), route.overhead, route.rate_cap), size)
        for start, route, size in other
    ]
    expected = fluid_arrivals(one) + fluid_arrivals(moved)
    assert fluid_arrivals([*one, *moved]) == pytest.approx(expected, rel=1e-12)
