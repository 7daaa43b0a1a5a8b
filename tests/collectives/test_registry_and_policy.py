"""Names, options and bad input; and the automatic choice."""

import pytest

from simulator.collectives.costs import closed_form, with_closed_form
from simulator.collectives.policy import choose, policies
from simulator.collectives.registry import ALGORITHMS, algorithms, options, schedule
from simulator.collectives.schedule import COLLECTIVES, execute
from simulator.errors import InfeasibleError, InputError, UnknownNameError


def test_every_algorithm_says_what_it_is_and_where_it_comes_from() -> None:
    for name, algorithm in ALGORITHMS.items():
        assert algorithm.name == name
        assert algorithm.description
        assert algorithm.reference
        assert set(algorithm.builders) <= set(COLLECTIVES)


def test_asking_twice_gives_the_same_schedule() -> None:
    assert schedule("all_reduce", "ring", 4, 100) is schedule("all_reduce", "ring", 4, 100)
    assert schedule("all_reduce", "ring", 4, 100) is not schedule("all_reduce", "ring", 4, 101)


def test_options_change_the_schedule() -> None:
    short, long = (schedule("broadcast", "chain", 4, 100, segment_elements=size) for size in (10, 50))
    assert len(short.rounds) == 4 - 2 + 10
    assert len(long.rounds) == 4 - 2 + 2
    by_two, by_four = (schedule("all_reduce", "hierarchical", 8, 100, ranks_per_node=size) for size in (2, 4))
    assert by_two.rounds != by_four.rounds
    assert options("broadcast", "chain") == {"segment_elements": 131_072}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: schedule("all_reduce", "rings", 4, 10), "unknown all_reduce algorithm 'rings'; did you mean 'ring'?"),
        (lambda: schedule("allreduce", "ring", 4, 10), "unknown collective 'allreduce'; did you mean 'all_reduce'?"),
        (
            lambda: schedule("broadcast", "chain", 4, 10, segment_element=5),
            "unknown option of chain broadcast 'segment_element'; did you mean 'segment_elements'?",
        ),
        (
            lambda: schedule("all_reduce", "hierarchical", 4, 10, across="rng"),
            "unknown all-reduce algorithm across nodes 'rng'; did you mean 'ring'?",
        ),
        (lambda: choose("all_reduce", 4, 1.0, policy="automatic"), "unknown policy for collectives 'automatic'"),
        (lambda: choose("gather", 4, 1.0), "unknown collective 'gather'"),
        (lambda: closed_form("all_reduce", "hierarchical", 4, 1.0, 1.0, 1.0), "unknown closed form of all_reduce"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(call, message: str) -> None:
    with pytest.raises(UnknownNameError) as error:
        call()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, 10), {}, "chain broadcast: ranks: expected a whole number of at least 1, got 0"),
        ((4, -1), {}, "chain broadcast: elements: expected a whole number of at least 0, got -1"),
        ((4, 2**62 + 1), {}, f"chain broadcast: elements: expected a whole number of at most {2**62}, got {2**62 + 1}"),
        ((4, 10, 4), {}, "chain broadcast: root: expected a rank below 4, got 4"),
        ((4, 10, -1), {}, "chain broadcast: root: expected a whole number of at least 0, got -1"),
        ((4, 1.5), {}, "chain broadcast: elements: expected a whole number of at least 0, got 1.5"),
        (
            (4, 10),
            {"segment_elements": 0},
            "chain broadcast: segment_elements: expected a whole number of at least 1, got 0",
        ),
    ],
)
def test_impossible_numbers_are_refused(arguments, options, message: str) -> None:
    with pytest.raises(InputError) as error:
        schedule("broadcast", "chain", *arguments, **options)
    assert str(error.value) == message


def test_shards_need_equally_full_nodes() -> None:
    with pytest.raises(InfeasibleError, match="expected a multiple of 4 ranks"):
        schedule("all_reduce", "sharded-hierarchical", 10, 10, ranks_per_node=4)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 arrays of shape"):
        execute(schedule("all_reduce", "ring", 2, 3), [])


@pytest.mark.parametrize("policy", policies())
@pytest.mark.parametrize("collective", COLLECTIVES)
def test_every_policy_names_an_algorithm_that_exists(policy: str, collective: str) -> None:
    for ranks in (1, 2, 3, 8, 12, 100):
        for per_node in (1, 4, 8):
            for size in (0.0, 1e3, 1e5, 1e6, 1e9):
                assert choose(collective, ranks, size, per_node, policy) in algorithms(collective)


@pytest.mark.parametrize("collective", COLLECTIVES)
@pytest.mark.parametrize("ranks", [2, 7, 16])
@pytest.mark.parametrize("size", [1e2, 1e5, 1e8])
def test_the_closed_form_policy_takes_no_slower_algorithm(collective: str, ranks: int, size: float) -> None:
    chosen = choose(collective, ranks, size, policy="closed-form", latency=1e-6, bandwidth=1e10)
    times = {name: closed_form(collective, name, ranks, size, 1e-6, 1e10) for name in with_closed_form(collective)}
    assert times[chosen] == min(times.values())


def test_latency_and_bandwidth_change_the_choice() -> None:
    assert choose("all_reduce", 7, 1e6, latency=1e-9, bandwidth=1e9) == "ring"
    assert choose("all_reduce", 7, 1e6, latency=1.0, bandwidth=1e9) != "ring"


def test_auto_uses_the_hierarchy_when_nodes_hold_several_ranks() -> None:
    assert choose("all_reduce", 32, 1e3, ranks_per_node=4) == "hierarchical"
    assert choose("all_reduce", 32, 1e8, ranks_per_node=4) == "sharded-hierarchical"
    assert choose("all_reduce", 30, 1e8, ranks_per_node=4) == "hierarchical"
    assert choose("all_reduce", 4, 1e8, ranks_per_node=4) not in ("hierarchical", "sharded-hierarchical")


def test_auto_goes_round_a_ring_inside_a_node_for_long_messages() -> None:
    assert choose("all_reduce", 8, 1e8, ranks_per_node=8) == "ring"
    assert choose("all_reduce", 8, 1e3, ranks_per_node=8) == choose("all_reduce", 8, 1e3, policy="closed-form")
    assert choose("broadcast", 8, 1e8, ranks_per_node=8) == choose("broadcast", 8, 1e8, policy="closed-form")
