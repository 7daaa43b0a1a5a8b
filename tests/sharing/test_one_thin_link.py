"""Jobs whose messages all cross one thin link: times and bytes by hand.

On the dumbbell the nodes 0 to 3 hang on one switch, 4 to 7 on another, and all that passes between them takes the one
link of bandwidth B. A job of two nodes, one on each side, all-reduces n bytes in one round, n each way.
"""

from __future__ import annotations

import math

import pytest

from simulator.sharing.machine import placed
from simulator.sharing.share import share
from simulator.sharing.together import Tenant, play_together

B = 1.15e9
SIZE = 4 * 1e6  # bytes of the job of a million elements


def across(machines, *elements, steps=1, starts=None, repeats=False, **changes):
    """Times alone and shared of jobs with one node on either side each."""
    scenarios = [
        machines.job(machines.dumbbell, 2, count, workload__steps=steps, simulation__exact=True, **changes)
        for count in elements
    ]
    simulations = placed(scenarios, [(i, i + 4) for i in range(len(elements))], "packed")
    starts = starts or [0.0] * len(elements)
    tenants = [Tenant(each, start=start, repeats=repeats) for each, start in zip(simulations, starts, strict=True)]
    play_together(tenants)
    alone = [simulation.run().time for simulation in simulations]
    return alone, [tenant.job.trace.duration - tenant.start for tenant in tenants], tenants


def test_two_equal_jobs_each_get_half(machines):
    """Both rounds begin together and move n bytes each way at B / 2: n / B more a step than alone."""
    alone, shared, _ = across(machines, 1e6, 1e6, steps=3)
    assert shared[0] == shared[1]
    assert shared[0] - alone[0] == pytest.approx(3 * SIZE / B, rel=1e-9)


@pytest.mark.parametrize("jobs", [2, 3, 4])
def test_equal_jobs_share_equally(machines, jobs):
    alone, shared, _ = across(machines, *[1e6] * jobs)
    assert len(set(shared)) == 1
    assert shared[0] - alone[0] == pytest.approx((jobs - 1) * SIZE / B, rel=1e-9)


def test_a_small_and_a_large_job(machines):
    """n and 3 n: both at B / 2 until the small one is done after 2 n / B; the other's 2 n left take 2 n / B more."""
    alone, shared, _ = across(machines, 1e6, 3e6)
    assert shared[0] - alone[0] == pytest.approx(SIZE / B, rel=1e-9)
    assert shared[1] - alone[1] == pytest.approx(SIZE / B, rel=1e-6)


def test_a_job_that_starts_in_the_middle_of_another_s_transfer(machines):
    """The second starts when half of the first's bytes are through: both then move n / 2 at half the rate.

    The first ends n / (2 B) later than alone; the second has n / 2 left then, and ends n / (2 B) later, too.
    """
    alone, _, _ = across(machines, 1e6, 1e6)
    _, shared, _ = across(machines, 1e6, 1e6, starts=[0.0, SIZE / B / 2])
    for by_itself, beside in zip(alone, shared, strict=True):
        assert beside - by_itself == pytest.approx(SIZE / B / 2, rel=1e-6)


def test_a_job_that_starts_after_the_other_has_ended_feels_nothing(machines):
    alone, shared, _ = across(machines, 1e6, 1e6, starts=[0.0, 1.0])
    assert shared == pytest.approx(alone, rel=1e-12)


def test_bytes_are_what_they_are_alone_and_the_thin_link_carries_their_sum(machines):
    scenarios = [machines.job(machines.dumbbell, 2, count, workload__steps=4) for count in (1e6, 2e6)]
    sharing = share(scenarios, "interleaved")
    for job in sharing.jobs:
        assert job.shared.traffic == pytest.approx(job.alone.traffic, rel=1e-12)
    assert sharing.jobs[0].nodes == (0, 2)  # both on the left: nothing to share there
    assert not sharing.links
    _, _, tenants = across(machines, 1e6, 2e6, steps=4)
    thin = [{use.resource: use for use in tenant.network.uses()}["left->right"] for tenant in tenants]
    assert [use.bytes for use in thin] == pytest.approx([4 * SIZE, 8 * SIZE], rel=1e-9)


def test_the_shared_links_are_the_thin_one_both_ways(machines):
    scenarios = [machines.job(machines.dumbbell, 4, 1e6) for _ in range(2)]
    sharing = share(scenarios, "interleaved")
    assert {link.resource for link in sharing.links} == {"left->right", "right->left"}
    for link in sharing.links:
        assert set(link.bytes) == {"job-4 #1", "job-4 #2"}
        assert link.utilisation == pytest.approx(sum(link.bytes.values()) / B / sharing.duration)
        assert link.utilisation <= 1.0


def test_repeating_jobs_press_the_whole_time(machines):
    """A short job beside a long one: once, it is gone after a while; repeating, it is there to the end."""
    _, once, _ = across(machines, 1e6, 1e6, starts=[0.0, 0.0])
    long = [machines.job(machines.dumbbell, 2, 1e6, workload__steps=steps) for steps in (20, 2)]
    first, again = (_beside(placed(long, [(0, 4), (1, 5)], "packed"), repeats) for repeats in (False, True))
    assert again[0].end > first[0].end * 1.2
    assert again[1].runs > 5
    assert first[1].runs == 1
    # Half of the link for all twenty steps, but for the seams between runs of the other.
    assert again[0].end <= 20 * once[0] * (1 + 1e-9)


def _beside(simulations, repeats):
    tenants = [Tenant(simulation, repeats=repeats) for simulation in simulations]
    play_together(tenants)
    return tenants


def test_results_of_jobs_hold_together(machines):
    sharing = share([machines.job(machines.dumbbell, 4, 1e6, workload__steps=3)] * 2, "interleaved", starts=[0.0, 0.01])
    for job in sharing.jobs:
        assert math.fsum(job.shared.breakdown.values()) == pytest.approx(job.shared.time, rel=1e-9)
        assert job.shared.steps == 3
        assert job.slow_down >= 1.0 - 1e-12
    assert sharing.duration == pytest.approx(max(job.end for job in sharing.jobs), rel=1e-12)
    assert sharing.throughput == pytest.approx(
        sum(job.shared.gradients * job.shared.batch_size / job.shared.time for job in sharing.jobs)
    )
    # One trace of all, in the order of ends, each rank once.
    ends = [span.end for span in sharing.trace.spans]
    assert ends == sorted(ends)
    assert [rank.index for rank in sharing.trace.ranks] == list(range(8))
    assert sharing.trace.duration == pytest.approx(sharing.duration)
    for index, span in enumerate(sharing.trace.spans):
        assert span.cause < index
        if span.cause >= 0:  # causes stay within a job
            assert (sharing.trace.spans[span.cause].rank < 4) == (span.rank < 4)
