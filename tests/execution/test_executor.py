"""The executor against times worked out by hand: lanes, overlap, matching, waiting, packing, deadlock."""

from __future__ import annotations

import itertools
import math

import pytest

from simulator.algorithms.rules import gradient_step
from simulator.algorithms.vocabulary import ANY
from simulator.errors import RunError
from simulator.trace import Category, breakdown, critical_path

ALPHA, BANDWIDTH = 1e-6, 10e9
BYTES = 4 * 1000


def one_message() -> float:
    return ALPHA + BYTES / BANDWIDTH


def send_to_second(rank):
    replica = rank.replica()
    if rank.index == 0:
        yield rank.send(replica, to=1)
    else:
        yield rank.receive(0)


def test_one_message_takes_alpha_plus_n_beta(play):
    assert play(send_to_second, ranks=2).time == pytest.approx(one_message(), rel=1e-12)


def test_layers_sent_one_by_one_pay_alpha_each(play):
    """The paper's layer packing saves (layers - 1) α a message."""
    layout = (400, 0, 500, 100)  # a layer without parameters sends nothing
    packed = play(send_to_second, ranks=2, layout=layout).time
    unpacked = play(send_to_second, ranks=2, layout=layout, packed=False).time
    assert unpacked - packed == pytest.approx(2 * ALPHA, rel=1e-9)


def test_a_message_waits_for_the_later_side_and_names_it_as_its_cause(play, fixed_costs):
    def program(rank):
        if rank.index == 0:
            yield rank.gradient(rank.replica(), (yield rank.load_batch()))
            yield rank.send(rank.replica(), to=1)
        else:
            yield rank.receive(0)

    outcome = play(program, ranks=2, costs=lambda rank: fixed_costs(gradient_seconds=1.0))
    assert outcome.time == pytest.approx(1.0 + one_message(), rel=1e-12)
    assert [piece.category for piece in critical_path(outcome.trace)] == [
        Category.FORWARD_BACKWARD,
        Category.GPU_GPU_PARAMETERS,
    ]


def test_started_operations_proceed_beside_the_generator(play, fixed_costs):
    """A message behind a gradient costs only the longer of the two; joined late, it is not on the critical path."""

    def program(rank):
        replica = rank.replica()
        moving = yield rank.start(rank.send(replica, to=1) if rank.index == 0 else rank.receive(0))
        yield rank.gradient(replica, (yield rank.load_batch()))
        yield rank.join(moving)

    outcome = play(program, ranks=2, costs=lambda rank: fixed_costs(gradient_seconds=1.0))
    assert outcome.time == 1.0
    assert breakdown(outcome.trace)[Category.GPU_GPU_PARAMETERS] == 0.0


def test_arithmetic_is_slower_while_a_message_comes_or_goes(play, fixed_costs):
    """A gradient of 1 s beside a message of 0.4 s, slowed by a half: in 0.4 s it does 0.4 / 1.5 of its work."""

    def program(rank):
        replica = rank.replica()
        moving = yield rank.start(rank.send(replica, to=1) if rank.index == 0 else rank.receive(0))
        yield rank.gradient(replica, (yield rank.load_batch()))
        yield rank.join(moving)

    fixed = {"ranks": 2, "latency": 0.0, "bandwidth": BYTES / 0.4, "costs": lambda rank: fixed_costs(1.0)}
    assert play(program, **fixed).time == 1.0
    slowed = play(program, **fixed, overlap_slowdown=0.5)
    assert slowed.time == pytest.approx(0.4 + (1.0 - 0.4 / 1.5), rel=1e-12)


def test_a_message_that_outlasts_the_arithmetic_slows_all_of_it(play, fixed_costs):
    def program(rank):
        replica = rank.replica()
        moving = yield rank.start(rank.send(replica, to=1) if rank.index == 0 else rank.receive(0))
        yield rank.gradient(replica, (yield rank.load_batch()))
        yield rank.apply(gradient_step, replica, replica)
        yield rank.join(moving)

    costs = {"costs": lambda rank: fixed_costs(1.0, element_seconds=1e-3)}
    outcome = play(program, ranks=2, latency=0.0, bandwidth=BYTES / 9.0, overlap_slowdown=0.5, **costs)
    gradients = [span for span in outcome.trace.spans if span.name == "gradient"]
    assert [span.duration for span in gradients] == pytest.approx([1.5, 1.5], rel=1e-12)
    assert outcome.time == pytest.approx(9.0, rel=1e-12)


def test_operations_of_one_lane_keep_their_order(play):
    """Two broadcasts started one behind the other take twice one, although nothing else forbids them to overlap."""

    def program(rank):
        centre = rank.centre()
        first = yield rank.start(rank.broadcast(centre, root=0))
        second = yield rank.start(rank.broadcast(centre, root=0))
        yield rank.join(first, second)

    once = one_message()
    outcome = play(program, ranks=2, collectives={"broadcast": "binomial-tree"})
    assert outcome.time == pytest.approx(2 * once, rel=1e-12)


def test_a_blocking_operation_waits_for_what_was_started_on_its_lane(play):
    def program(rank):
        replica = rank.replica()
        yield rank.start(rank.send(replica, to=1) if rank.index == 0 else rank.receive(0))
        yield rank.send(replica, to=1) if rank.index == 0 else rank.receive(0)

    assert play(program, ranks=2).time == pytest.approx(2 * one_message(), rel=1e-12)


def test_receive_any_takes_the_first_that_came(play, fixed_costs):
    order = []

    def worker(rank):
        yield rank.gradient(rank.replica(), (yield rank.load_batch()))
        yield rank.send(rank.replica(), to=rank.master)

    def master(rank):
        for _ in rank.workers:
            yield rank.receive(ANY)

    outcome = play(worker, ranks=3, master=master, costs=lambda rank: fixed_costs(gradient_seconds=1.0 / (1 + rank)))
    order = [span.peer for span in outcome.trace.spans if span.name.startswith("receive")]
    assert order == [2, 1, 0]


def test_reductions_cost_their_additions_where_they_happen(play, fixed_costs):
    """A binomial reduction over four ranks adds twice in a row on the root: log2(4) (message + addition)."""

    def program(rank):
        yield rank.reduce(rank.replica(), root=0)

    add = 1e-3
    outcome = play(
        program,
        ranks=4,
        collectives={"reduce": "binomial-tree"},
        costs=lambda rank: fixed_costs(element_seconds=add / 1000),
    )
    assert outcome.time == pytest.approx(2 * (one_message() + add), rel=1e-12)
    assert breakdown(outcome.trace)[Category.DEVICE_UPDATE] == pytest.approx(2 * add)


def test_every_message_is_in_the_trace_on_both_sides_and_bytes_are_conserved(play):
    def program(rank):
        yield rank.all_reduce(rank.replica())

    outcome = play(program, ranks=7, layout=(1001,), collectives={"all_reduce": "ring"})
    sent = [s for s in outcome.trace.spans if s.name.startswith("send")]
    received = [s for s in outcome.trace.spans if s.name.startswith("receive")]
    key = lambda s: (s.start, s.end, s.bytes)  # noqa: E731
    assert sorted(map(key, sent)) == sorted(map(key, received))
    assert math.fsum(s.bytes for s in sent) == 2 * 6 * 4 * 1001
    # Each message crosses two links of the star, and the network's account says so.
    assert outcome.network.traffic()["star"] == pytest.approx(2 * math.fsum(s.bytes for s in sent))


def test_spans_of_one_lane_never_overlap(play, fixed_costs):
    def program(rank):
        replica = rank.replica()
        for _ in rank.steps():
            moving = yield rank.start(rank.all_reduce(replica))
            yield rank.gradient(replica, (yield rank.load_batch()))
            yield rank.join(moving)

    outcome = play(
        program,
        ranks=5,
        steps=3,
        collectives={"all_reduce": "ring"},
        costs=lambda rank: fixed_costs(gradient_seconds=1e-6 * rank, element_seconds=1e-9),
    )
    for rank, lane in outcome.trace.lanes():
        # In a round a rank sends and receives at once: the two directions are told apart.
        for direction in ("send", "receive"):
            spans = [s for s in outcome.trace.spans if (s.rank, s.lane) == (rank, lane)]
            spans = sorted(s for s in spans if lane != "network" or s.name.startswith(direction))
            for before, after in itertools.pairwise(spans):
                assert after.start >= before.end - 1e-15


def test_ranks_that_wait_for_each_other_are_told_apart_from_a_finished_run(play):
    def program(rank):
        yield rank.receive(1 - rank.index)

    with pytest.raises(RunError, match="rank 0 to receive from rank 1"):
        play(program, ranks=2)
