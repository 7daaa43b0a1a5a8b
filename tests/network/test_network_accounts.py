"""What the networks report: models by name, traffic, and which resource bounds a run."""

import pytest
import simpy

from simulator.errors import UnknownNameError
from simulator.network.base import network_model, network_models
from simulator.platform.links import Link, Route

BUS = Link("bus.out", "a", "b", 10.0, 0.0, "pcie", "bus")
WIRE = Link("wire", "b", "c", 40.0, 0.0, "ethernet", "wire")


@pytest.mark.parametrize("name", network_models())
def test_models_describe_themselves_in_one_line(name: str) -> None:
    description = network_model(name).description
    assert description
    assert "\n" not in description


def test_an_unknown_model_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError) as error:
        network_model("alphabeta", where="s.toml: network.model")
    assert str(error.value) == "s.toml: network.model: unknown network model 'alphabeta'; did you mean 'alpha-beta'?"


@pytest.mark.parametrize("name", network_models())
def test_traffic_counts_bytes_on_every_link(name: str) -> None:
    env = simpy.Environment()
    network = network_model(name)(env)
    there = Route((BUS, WIRE))
    near = Route((BUS,))
    env.run(env.all_of([network.transfer(there, 100.0), network.transfer(near, 20.0), network.transfer(near, 0)]))
    assert network.traffic() == {"pcie": 120.0, "ethernet": 100.0}
    assert network.counters.transfers == 3


@pytest.mark.parametrize("name", network_models())
def test_the_resource_with_most_work_comes_first(name: str) -> None:
    env = simpy.Environment()
    network = network_model(name)(env)
    env.run(network.transfer(Route((WIRE, BUS)), 100.0))
    bus, wire = network.uses()
    assert (bus.resource, bus.medium, bus.bytes, bus.load) == ("bus", "pcie", 100.0, 10.0)
    assert (wire.resource, wire.load) == ("wire", 2.5)


def test_busy_time_is_the_time_with_a_flow_present() -> None:
    """100 B over 10 and 40 B/s: both links are occupied for 10 s; then the wire alone for 1 s."""
    env = simpy.Environment()
    network = network_model("fluid")(env)

    def run():
        yield network.transfer(Route((WIRE, BUS)), 100.0)
        yield env.timeout(5.0)
        yield network.transfer(Route((WIRE,)), 40.0)

    env.run(env.process(run()))
    assert {use.resource: use.busy for use in network.uses()} == {"bus": 10.0, "wire": 11.0}


def test_busy_time_includes_flows_under_way() -> None:
    env = simpy.Environment()
    network = network_model("fluid")(env)
    network.transfer(Route((BUS,)), 100.0)
    env.run(until=4.0)
    assert [use.busy for use in network.uses()] == [4.0]
