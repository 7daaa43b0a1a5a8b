"""When sharing cannot help: the law, and the example that shows why it is not simpler.

A job whose messages come in an order that is fixed (no first come, first served) ends no earlier, whatever else is on
the machine, than it would if its messages felt nobody: not others, and not one another (the α-β model). So a job that
does not get in its own way, which takes no longer alone than in that model, is never faster beside others.

A job that does get in its own way can be: a message that others hold back leaves more of a link to one that matters
more, as delaying a task may shorten a schedule (Graham, *SIAM J. Appl. Math.* 17, 1969).
"""

from __future__ import annotations

import pytest
import simpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.platform.links import Link, Route
from simulator.sharing.machine import placed
from simulator.sharing.network import SharedFluidNetwork
from simulator.sharing.placement import Place, choose_nodes
from simulator.sharing.together import Tenant, play_together
from simulator.simulation import Simulation, simulate

SLACK = 1 - 1e-9
#: Algorithms whose messages follow one another in one order only, and schedules of the all-reduce for the first.
FIXED_ORDER = ["sync-sgd", "ddp-msgd", "sync-easgd1", "sync-easgd3", "original-easgd", "local-sgd", "sync-ps"]
SCHEDULES = ["ring", "recursive-doubling", "rabenseifner", "binomial-tree", "double-binary-tree"]

jobs = st.fixed_dictionaries(
    {
        "algorithm": st.sampled_from(FIXED_ORDER),
        "schedule": st.sampled_from(SCHEDULES),
        "nodes": st.integers(2, 7),
        "steps": st.integers(1, 4),
        "elements": st.floats(1e5, 4e6),
        "operations": st.floats(1e6, 1e10),
    }
)


def scenario(machines, job):
    collectives = {"all_reduce": job["schedule"]} if job["algorithm"] == "sync-sgd" else None
    return machines.job(machines.tree, job["nodes"]).override(
        {
            "algorithm.name": job["algorithm"],
            "algorithm.collectives": collectives,
            "workload.steps": job["steps"],
            "workload.network": f"synthetic:parameters={job['elements']:.0f},flops={job['operations']:.0f}",
            "simulation.exact": True,
        }
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(jobs, min_size=2, max_size=3), st.sampled_from(["packed", "interleaved", "random"]), st.integers(0, 99))
def test_no_job_is_faster_than_if_its_messages_felt_nobody(machines, drawn, placement, seed):
    scenarios = [scenario(machines, job) for job in drawn]
    nodes = choose_nodes([job["nodes"] for job in drawn], placement, 24, seed=seed)
    simulations = placed(scenarios, nodes, placement)
    tenants = [Tenant(simulation) for simulation in simulations]
    play_together(tenants)
    for own, simulation, tenant, where in zip(scenarios, simulations, tenants, nodes, strict=True):
        bound = Simulation(own.override({"network.model": "alpha-beta"}), Place(where)).run().time
        alone = simulation.run().time
        assert tenant.end >= bound * SLACK
        if alone <= bound / SLACK:
            assert tenant.end >= alone * SLACK


def test_a_message_held_back_makes_room_for_another():
    """Two links of 1 B/s. A job sends half a byte over both, and one byte over the first only.

    Alone, each gets 1/2 until the short message is through at 1 s; the long one's other half takes 0.5 s: 1.5 s. Beside
    three flows on the second link the short one gets 1/4 and the long one 3/4: that one is through at 4/3 s, earlier.
    """
    assert _long_message(others=0) == pytest.approx(1.5)
    assert _long_message(others=3) == pytest.approx(4 / 3)


def _long_message(others: int) -> float:
    first, second = (Link(name, name, name, 1.0, 0.0, "made", name) for name in ("first", "second"))
    env = simpy.Environment()
    network = SharedFluidNetwork(env)
    network.transfer(Route((first, second)), 0.5)
    for _ in range(others):
        network.transfer(Route((second,)), 10.0)
    env.run(until=network.transfer(Route((first,)), 1.0))
    return env.now


def test_traffic_makes_a_job_slower_in_the_mean_and_never_faster_where_it_is_not_in_its_own_way(machines):
    base = machines.job(machines.tree, 6, 1e6, workload__steps=4)
    times = []
    for seed in range(8):
        background = {"load": 0.3, "placement": "random", "nodes": 6, "flow_size": "1 MB", "seed": seed}
        result = simulate(base.override({"background": background, "algorithm.collectives.all_reduce": "ring"}))
        assert result.sharing["slow_down"] >= SLACK
        times.append(result.sharing["slow_down"])
    assert sum(times) / len(times) > 1.01
