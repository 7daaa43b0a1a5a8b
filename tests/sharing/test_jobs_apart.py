"""Jobs that share no link do not touch; who is named first makes no difference; seeds decide all that is random."""

from __future__ import annotations

import pytest

from simulator.sharing.machine import placed
from simulator.sharing.share import share
from simulator.sharing.together import Tenant, play_together
from simulator.simulation import Simulation, simulate


def spans(machines, scenarios, nodes, whose, starts=None):
    """The trace of one of several jobs that ran together."""
    simulations = placed(scenarios, nodes, "packed")
    starts = starts or [0.0] * len(simulations)
    tenants = [Tenant(each, start=start) for each, start in zip(simulations, starts, strict=True)]
    play_together(tenants)
    return tenants[whose].job.trace.spans


@pytest.mark.parametrize("elements", [1e6, 777_777])
@pytest.mark.parametrize("algorithm", ["sync-sgd", "ddp-msgd", "async-sgd", "original-easgd"])
def test_disjoint_jobs_on_a_switch_that_never_blocks_do_not_touch(machines, elements, algorithm):
    """Not in the last digit: the job's spans beside another are the very spans that it has without."""
    changes = {"workload__steps": 5, "algorithm__name": algorithm, "algorithm__collectives": None}
    job = machines.job(machines.star, 4, 1e6, **changes)
    other = machines.job(machines.star, 5, elements, workload__steps=7)
    beside = spans(machines, [job, other], [(0, 1, 2, 3), (4, 5, 6, 7, 8)], 0)
    assert beside == spans(machines, [job], [(0, 1, 2, 3)], 0)


def test_alone_on_the_shared_network_is_alone(machines):
    """The two engines differ in rounding only."""
    for system, nodes in ((machines.star, 6), (machines.tree, 10), (machines.dumbbell, 8)):
        scenario = machines.job(system, nodes, workload__steps=5, simulation__exact=True)
        simulation = Simulation(scenario)
        tenant = Tenant(simulation)
        play_together([tenant])
        assert tenant.job.trace.duration == pytest.approx(simulation.run().time, rel=1e-11)


def test_jobs_on_leaves_of_their_own_share_nothing(machines):
    sharing = share([machines.job(machines.tree, 6, workload__steps=3)] * 3, "packed")
    assert not sharing.links
    for job in sharing.jobs:
        assert job.slow_down == pytest.approx(1.0, rel=1e-11)


def test_who_is_named_first_makes_no_difference(machines):
    jobs = [machines.job(machines.tree, nodes, 1e6 + nodes, workload__steps=3) for nodes in (5, 6, 7)]
    nodes = [(0, 3, 6, 9, 12), (1, 4, 7, 10, 13, 15), (2, 5, 8, 11, 14, 16, 17)]
    given = [_durations(machines, jobs, nodes, order) for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0))]
    for other in given[1:]:
        assert other == pytest.approx(given[0], rel=1e-9)


def _durations(machines, jobs, nodes, order):
    simulations = placed([jobs[i] for i in order], [nodes[i] for i in order], "packed")
    tenants = [Tenant(simulation) for simulation in simulations]
    play_together(tenants)
    return [tenants[order.index(i)].end for i in range(len(jobs))]


def test_the_same_seed_gives_the_same_run_and_another_does_not(machines):
    changes = {"simulation.jitter": 0.2, "background": {"load": 0.2, "placement": "random"}, "workload.steps": 5}
    base = machines.job(machines.tree, 8).override(changes)
    first, again = simulate(base), simulate(base)
    assert first.trace.spans == again.trace.spans
    assert first.sharing == again.sharing
    other = simulate(base.override({"background.seed": 7}))
    assert other.sharing["nodes"] != first.sharing["nodes"]
    assert other.time != first.time


def test_jobs_in_the_background_do_not_straggle_in_step(machines):
    """A copy of the job has the seed after its own, so the two have jitter of their own."""
    base = machines.job(machines.star, 4, workload__steps=20, simulation__jitter=0.3)
    beside = Simulation(base.override({"background": {"jobs": [{}]}}))
    (other,) = beside.background._others
    assert other.scenario.tables.simulation.seed == base.tables.simulation.seed + 1
