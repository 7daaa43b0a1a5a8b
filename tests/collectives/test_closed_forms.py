"""Closed forms, the schedule worked out message by message, and the simulated network agree."""

from collections.abc import Generator, Sequence

import pytest
import simpy

from simulator.collectives.costs import closed_form, with_closed_form
from simulator.collectives.registry import schedule
from simulator.collectives.schedule import COLLECTIVES, Schedule, Transfer
from simulator.collectives.timing import alpha_beta_time, finish_times
from simulator.network.base import Network, network_model
from simulator.platform.links import Link, Route

LATENCY, BANDWIDTH, ELEMENT = 3e-6, 5e9, 4
FORMS = [(collective, name) for collective in COLLECTIVES for name in with_closed_form(collective)]

ON_A_STAR = [
    pytest.param(algorithm, ranks, marks=[pytest.mark.slow] if (algorithm, ranks) == ("ring", 256) else [])
    for algorithm in ("ring", "binomial-tree", "recursive-doubling", "rabenseifner")
    for ranks in (2, 3, 4, 7, 16, 64, 256)
]


def star(ranks: int) -> dict[tuple[int, int], Route]:
    """Routes between hosts on one switch; half of the latency on each of the two links."""

    def link(source: str, target: str) -> Link:
        return Link(f"{source}->{target}", source, target, BANDWIDTH, LATENCY / 2, "wire", f"{source}->{target}")

    up = [link(f"h{rank}", "switch") for rank in range(ranks)]
    down = [link("switch", f"h{rank}") for rank in range(ranks)]
    return {(a, b): Route((up[a], down[b])) for a in range(ranks) for b in range(ranks) if a != b}


def play(plan: Schedule, network: Network, env: simpy.Environment, routes: dict[tuple[int, int], Route]) -> float:
    """Time of `plan` on a network: a message starts once both ends are in its round."""
    waiting: dict[Transfer, simpy.Event] = {}

    def meet(transfer: Transfer) -> simpy.Event:
        if transfer not in waiting:
            waiting[transfer] = env.event()
            return waiting[transfer]
        done = waiting.pop(transfer)
        flow = network.transfer(routes[transfer.source, transfer.destination], transfer.elements * ELEMENT)
        flow.callbacks.append(lambda _: done.succeed())
        return done

    def rank_process(rank: int) -> Generator[simpy.Event, object, None]:
        for sends, receives in plan.actions(rank):
            yield env.all_of([meet(transfer) for transfer in (*sends, *receives)])

    env.run(env.all_of([env.process(rank_process(rank)) for rank in range(plan.ranks)]))
    return float(env.now)


@pytest.mark.parametrize(("collective", "algorithm"), FORMS)
@pytest.mark.parametrize("ranks", [*range(1, 18), 31, 64])
def test_closed_form_is_the_time_of_the_schedule(collective: str, algorithm: str, ranks: int) -> None:
    for elements in (0, 1, 2, ranks - 1, ranks, ranks + 1, 1000, 12_345):
        options = {"segment_elements": 100} if algorithm == "chain" else {}
        expected = closed_form(
            collective, algorithm, ranks, elements * ELEMENT, LATENCY, BANDWIDTH, element_size=ELEMENT, **options
        )
        plan = schedule(collective, algorithm, ranks, elements, **options)
        assert alpha_beta_time(plan, ELEMENT, LATENCY, BANDWIDTH) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("model", ["fluid", "alpha-beta"])
@pytest.mark.parametrize(("algorithm", "ranks"), ON_A_STAR)
@pytest.mark.parametrize("size", [1e3, 27e6, 249e6])
def test_simulated_all_reduce_on_a_star_takes_the_closed_form(
    model: str, algorithm: str, ranks: int, size: float
) -> None:
    env = simpy.Environment()
    plan = schedule("all_reduce", algorithm, ranks, round(size / ELEMENT))
    simulated = play(plan, network_model(model)(env), env, star(ranks))
    expected = closed_form("all_reduce", algorithm, ranks, size, LATENCY, BANDWIDTH, element_size=ELEMENT)
    assert simulated == pytest.approx(expected, rel=1e-9)


def spelled_out(ranks: int, size: float) -> Sequence[tuple[str, float]]:
    """The formulas as the literature has them, for a power of two and a size that divides."""
    rounds = ranks.bit_length() - 1
    share = (ranks - 1) / ranks * size / BANDWIDTH
    return [
        ("ring", 2 * (ranks - 1) * LATENCY + 2 * share),
        ("rabenseifner", 2 * rounds * LATENCY + 2 * share),
        ("recursive-doubling", rounds * (LATENCY + size / BANDWIDTH)),
        ("binomial-tree", 2 * rounds * (LATENCY + size / BANDWIDTH)),
        ("flat", 2 * (ranks - 1) * (LATENCY + size / BANDWIDTH)),
    ]


@pytest.mark.parametrize("ranks", [2, 4, 16, 256])
def test_closed_forms_are_those_of_the_literature(ranks: int) -> None:
    size = ELEMENT * 256.0 * 1000
    for algorithm, expected in spelled_out(ranks, size):
        found = closed_form("all_reduce", algorithm, ranks, size, LATENCY, BANDWIDTH, element_size=ELEMENT)
        assert found == pytest.approx(expected, rel=1e-12)


def test_folding_costs_two_more_whole_messages() -> None:
    size = ELEMENT * 8.0 * 1000
    whole = LATENCY + size / BANDWIDTH
    for algorithm in ("recursive-doubling", "rabenseifner"):
        eight, nine = (
            closed_form("all_reduce", algorithm, ranks, size, LATENCY, BANDWIDTH, element_size=ELEMENT)
            for ranks in (8, 9)
        )
        assert nine - eight == pytest.approx(2 * whole, rel=1e-12)


@pytest.mark.parametrize("ranks", [2, 3, 8, 13, 32])
def test_double_binary_tree_takes_about_one_message_and_logarithmic_latency(ranks: int) -> None:
    """Sanders et al.: n β + O(log P) rounds. With many segments the bandwidth term is all of it."""
    elements, segment = 400_000, 1000
    plan = schedule("broadcast", "double-binary-tree", ranks, elements, segment_elements=segment)
    message = LATENCY + segment * ELEMENT / BANDWIDTH
    pipeline = elements / segment * message
    depth = 2 * (ranks.bit_length() + 1)
    assert pipeline * (1 - 1e-12) <= alpha_beta_time(plan, ELEMENT, LATENCY, BANDWIDTH) <= pipeline + depth * message


def test_additions_delay_the_rank_that_makes_them() -> None:
    plan = schedule("reduce", "binomial-tree", 2, 1000)
    message = LATENCY + 1000 * ELEMENT / BANDWIDTH
    assert finish_times(plan, ELEMENT, LATENCY, BANDWIDTH, addition_rate=1e9) == pytest.approx(
        [message + 1e-6, message]
    )
