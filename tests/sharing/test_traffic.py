"""Traffic of unknown tenants: as much as was asked for, between whom, and refused where no link could carry it."""

from __future__ import annotations

import numpy as np
import pytest
import simpy

from simulator.errors import InfeasibleError
from simulator.hardware import load_system
from simulator.platform import build_platform
from simulator.sharing.flow_sizes import DISTRIBUTIONS, flow_sizes
from simulator.sharing.network import SharedFluidNetwork
from simulator.sharing.traffic import Traffic
from simulator.simulation import simulate


def traffic(system, nodes, load, size="1 MB", seed=0):
    places = range(nodes) if isinstance(nodes, int) else nodes
    platform = build_platform(load_system(system), len(places), places=places)
    return Traffic(platform, load, flow_sizes(size), seed)


def flowing(made, seconds):
    env = simpy.Environment()
    network = SharedFluidNetwork(env)
    env.process(made.flow(env, network))
    env.run(until=seconds)
    return network


@pytest.mark.parametrize("load", [0.1, 0.6])
@pytest.mark.parametrize("size", ["1 MB", "web-search"])
def test_the_load_is_what_was_asked_for(machines, load, size):
    """Bytes injected a second over what all adapters could inject, within four standard errors; and all is carried."""
    made = traffic(machines.star, 8, load, size)
    flowing(made, 1.5)
    draws = np.array([made.sizes.draw(np.random.default_rng(i)) for i in range(2000)])
    # A compound Poisson sum: its relative variance is E[size²] / (flows · E[size]²).
    error = np.sqrt(np.mean(draws**2) / np.mean(draws) ** 2 / made.flows)
    assert made.injected / (1.5 * made.bandwidth) == pytest.approx(load, rel=4 * error)
    assert made.delivered <= made.injected
    assert made.delivered == pytest.approx(made.injected, rel=0.1)


def test_every_link_carries_its_expected_share(machines):
    made = traffic(machines.tree, 12, 0.25, "0.5 MB")
    network = flowing(made, 1.5)
    expected = made.link_loads()
    for use in network.uses():
        # Poisson flows of one size: within four and a half standard errors on each of 32 links.
        error = (use.bytes / 0.5e6) ** -0.5
        assert use.load / 1.5 == pytest.approx(expected[use.resource], rel=4.5 * error)
    assert {use.resource for use in network.uses()} == set(expected)
    # Leaves of six with two up-links: of a node's partners six in eleven are on the other leaf.
    up = [value for name, value in expected.items() if name.startswith("leaf0->spine")]
    assert sum(up) == pytest.approx(6 * 0.25 * 6 / 11)


def test_no_flow_stays_in_its_node_or_leaves_the_tenants_nodes(machines):
    made = traffic(machines.tree, [3, 8, 9, 17], 0.2)
    network = flowing(made, 0.5)
    ends = {use.resource for use in network.uses() if "nic0" in use.resource}
    assert {name for name in ends if name.startswith("n")} == {f"n{i}.nic0->leaf{i // 6}" for i in (3, 8, 9, 17)}
    assert {name for name in ends if name.startswith("leaf")} == {f"leaf{i // 6}->n{i}.nic0" for i in (3, 8, 9, 17)}


def test_a_load_that_up_links_cannot_carry_is_refused(machines):
    """Each of twelve nodes sends 6/11 of its bytes over two up-links for six, which are full at a load of 11/18."""
    traffic(machines.tree, 12, 0.6)
    with pytest.raises(InfeasibleError, match=r"load: 0\.62 .* of leaf.* expected less than 0\.61"):
        traffic(machines.tree, 12, 0.62)


def test_drawn_pairs_find_the_same_overload():
    """A thousand nodes have too many pairs to look at all of them; what is refused is refused for certain."""
    system = load_system("ethernet-cluster")
    platform = build_platform(system, 960)
    made = Traffic(platform, 0.2, flow_sizes("1 MB"), 0)
    up = max(load for name, load in made.link_loads().items() if name.startswith("leaf"))
    assert 0.3 < up <= 0.2 * 3 * 1.2
    with pytest.raises(InfeasibleError, match="expected less than"):
        Traffic(platform, 0.8, flow_sizes("1 MB"), 0)


def test_traffic_of_others_does_not_reach_a_job_behind_a_switch_that_never_blocks(machines):
    base = machines.job(machines.star, 6, workload__steps=5, simulation__exact=True)
    result = simulate(base.override({"background": {"load": 0.5, "flow_size": "1 MB"}}))
    assert result.sharing["slow_down"] == pytest.approx(1.0, rel=1e-11)
    assert result.sharing["shared_links"] == []
    assert result.sharing["traffic"]["flows"] > 10


def test_arrivals_do_not_depend_on_what_runs_beside_them(machines):
    """Seeded apart: another algorithm meets the very same flows, as far as its time reaches."""
    base = machines.job(machines.tree, 6, workload__steps=3).override({"background": {"load": 0.3, "flow_size": 1e5}})
    short, long = (simulate(base.override({"workload.steps": steps})).sharing["traffic"] for steps in (3, 6))
    assert short["flows"] < long["flows"]
    made = traffic(machines.tree, range(6, 12), 0.3, 1e5)
    again = traffic(machines.tree, range(6, 12), 0.3, 1e5)
    for which in (made, again):
        flowing(which, 0.2)
    assert (made.flows, made.injected) == (again.flows, again.injected)


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS))
def test_means_of_distributions_are_those_of_their_draws(name):
    sizes, generator = flow_sizes(name), np.random.default_rng(1)
    drawn = [sizes.draw(generator) for _ in range(40_000)]
    assert np.mean(drawn) == pytest.approx(sizes.mean, rel=0.05)
    shares = [share for _, share in DISTRIBUTIONS[name]]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
