"""Whatever synchronous ranks do, on whatever machine: in lockstep it is what the events make of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from lockstep_programs import Case, Costs, Instruction, Machine, cases, event_by_event, in_lockstep

from simulator.algorithms.rank import Rank
from simulator.execution.lockstep import LockstepRun, Unsuited
from simulator.execution.shortcuts import SETTLED_STEPS
from simulator.execution.steady_state import settled_step
from simulator.network.accounts import resource_uses, traffic_by_medium
from simulator.network.base import Network
from simulator.trace import NO_CAUSE, Span, Trace
from simulator.trace.summary import summarize


def assert_equal(run: LockstepRun, trace: Trace, network: Network, workers: int) -> None:
    """The same sums, traffic, spans and causes."""
    scale = 1e-9 * trace.duration
    ours, theirs = run.outcome.summary(workers), summarize(trace, workers)
    assert ours.duration == pytest.approx(theirs.duration, rel=1e-9)
    assert ours.gradients == theirs.gradients
    np.testing.assert_allclose(ours.step_ends, theirs.step_ends, rtol=1e-9, atol=scale)
    assert set(ours.busy) == set(theirs.busy)
    assert ours.busy == pytest.approx(theirs.busy, rel=1e-9, abs=scale)
    assert_same_spans(run.outcome.make_spans(), trace.spans)
    assert ours.breakdown == pytest.approx(theirs.breakdown, rel=1e-9, abs=scale)
    carried = run.outcome.carried().items()
    traffic, expected = traffic_by_medium(carried), network.traffic()
    assert {medium: size for medium, size in traffic.items() if size} == pytest.approx(
        {medium: size for medium, size in expected.items() if size}, rel=1e-9
    )
    used = {use.resource: use.bytes for use in network.uses() if use.bytes}
    assert {use.resource: use.bytes for use in resource_uses(carried) if use.bytes} == pytest.approx(used, rel=1e-9)


def assert_same_spans(ours: list[Span], theirs: list[Span]) -> None:
    """The same spans, each with the same cause; times that differ by rounding alone are the same."""
    moments = np.unique([time for spans in (ours, theirs) for span in spans for time in (span.start, span.end)])
    apart = np.diff(moments, prepend=0.0) > 1e-11 * max(moments, default=0.0)
    number = dict(zip(moments.tolist(), np.cumsum(apart).tolist(), strict=True))

    def named(span: Span) -> tuple[object, ...]:
        what = span.rank, span.lane, span.name, span.step, span.peer, round(span.bytes, 6), str(span.category)
        return (*what, number[span.start], number[span.end])

    def with_causes(spans: list[Span]) -> Counter[object]:
        for index, span in enumerate(spans):
            assert NO_CAUSE <= span.cause < index
        return Counter((named(s), None if s.cause == NO_CAUSE else named(spans[s.cause])) for s in spans)

    assert Counter(map(named, ours)) == Counter(map(named, theirs))
    assert with_causes(ours) == with_causes(theirs)


def assert_lockstep_is_exact(case: Case) -> LockstepRun:
    run = in_lockstep(case)
    trace, network = event_by_event(case)
    assert_equal(run, trace, network, case.workers)
    return run


def assert_lockstep_is_exact_if_suited(case: Case) -> None:
    try:
        run = assert_lockstep_is_exact(case)
    except Unsuited as reason:
        event(str(reason))
    else:
        event("in lockstep" + (", repeated" if run.simulated < case.steps else ""))


@settings(deadline=None, max_examples=60)
@given(case=cases())
def test_random_programs(case: Case) -> None:
    assert_lockstep_is_exact_if_suited(case)


@settings(deadline=None, max_examples=30)
@given(case=cases(steps=(60, 100)))
def test_random_programs_whose_steps_may_settle(case: Case) -> None:
    assert_lockstep_is_exact_if_suited(case)


@pytest.mark.slow
@settings(deadline=None, max_examples=3000)
@given(case=cases(steps=(1, 2, 3, 5, 60, 100)))
def test_many_random_programs(case: Case) -> None:
    assert_lockstep_is_exact_if_suited(case)


TWO = Machine((0, 1))
BUSY = (Costs(gradient_seconds=1e-3, element_seconds=1e-6),) * 2


def test_additions_beside_a_started_gradient_do_not_use_energy_twice() -> None:
    program = (Instruction("gradient", started=True), Instruction("collective", kind="all_reduce"))
    case = Case(TWO, BUSY, program, steps=1, collectives={"all_reduce": "ring"})
    # The 500 elements that a rank adds take it as long as the gradient, and end a message later.
    message = 1e-6 + 500 * 4 / 1e9
    run = assert_lockstep_is_exact(case)
    assert run.outcome.summary(2).busy == pytest.approx({0: 1e-3 + message, 1: 1e-3 + message})


def test_what_a_program_has_started_and_never_waits_for_is_not_moved_with_the_steps() -> None:
    """Batches queue up while the program is through in no time: its last gradient is not later after more steps."""
    case = Case(TWO, BUSY, (Instruction("load", started=True),), (Instruction("gradient"),), steps=60)
    assert assert_lockstep_is_exact(case).simulated == 60
    assert settled_step(event_by_event(case)[0], case.steps) is None


def test_thousands_of_collectives_may_be_on_their_way() -> None:
    program = (Instruction("collective", started=True, kind="all_reduce"),)
    case = Case(TWO, BUSY, program, steps=3000, collectives={"all_reduce": "ring"})
    one = in_lockstep(replace(case, steps=1)).outcome.duration
    assert in_lockstep(case, without=frozenset({SETTLED_STEPS})).outcome.duration == pytest.approx(3000 * one)


def test_in_the_alpha_beta_model_messages_may_meet() -> None:
    """Everybody to everybody over one bus, while batches come over it too."""
    program = (Instruction("load", started=True), Instruction("collective", kind="all_gather"))
    machine = Machine(tuple(range(5)), duplex="bus", load="adapter")
    case = Case(machine, (Costs(),) * 5, program, model="alpha-beta", collectives={"all_gather": "flat"})
    assert_lockstep_is_exact(case)
    with pytest.raises(Unsuited, match="meet on a link"):
        in_lockstep(replace(case, model="fluid"))


def test_messages_without_bytes_keep_their_times() -> None:
    """Empty batches over a shared memory, of ranks that come a few microseconds apart."""
    case = Case(
        Machine((0, 1, 0, 1, 0, 1), rate_cap=3e8),
        (Costs(),) * 6,
        (Instruction("load"), Instruction("collective", kind="broadcast")),
        steps=10,
        collectives={"broadcast": "binomial-tree"},
        batch_bytes=0.0,
    )
    trace, _ = event_by_event(case)
    assert in_lockstep(case).outcome.duration == pytest.approx(trace.duration, rel=1e-12)


@pytest.mark.parametrize("kind", ["all_reduce", "all_gather"])
def test_ranks_whose_numbers_differ_in_size_are_not_played_in_lockstep(kind: str) -> None:
    """What each sends is of its own size, which a schedule played as a whole does not know."""

    class Uneven(Case):
        def _operation(self, rank: Rank, instruction: Instruction, works: bool) -> Any:
            array = rank.small("few", 100, element_size=1 + rank.index)
            return rank.all_reduce(array) if kind == "all_reduce" else rank.all_gather(array)

    case = Uneven(TWO, BUSY, (Instruction("collective"),), collectives={kind: "ring"})
    with pytest.raises(Unsuited, match="disagree"):
        in_lockstep(case)
