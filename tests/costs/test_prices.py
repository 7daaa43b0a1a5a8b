"""What a run costs, by hand on small cases; which price is taken, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import InputError, UnknownNameError
from simulator.hardware import load_system
from simulator.prices import Cost, NodePrice, PricesTable, cost_of, node_price
from simulator.scenario import Scenario
from simulator.simulation import Simulation

HOUR = 3600.0


def table(**keys: Any) -> PricesTable:
    return PricesTable(**keys)


def scenario(system: str = "dgx1-v100", **prices: Any) -> Scenario:
    return Scenario.from_dict(
        {
            "cluster": {"system": system},
            "workload": {"network": "lenet", "dataset": "mnist", "batch_size": 8, "steps": 2},
            "algorithm": {"name": "sync-sgd"},
            "prices": prices,
        },
        "s",
    )


def test_two_nodes_for_an_hour():
    price = node_price(load_system("aws-p3-16xlarge"), table(), "")
    assert price is not None
    assert price.kind == "list"
    assert price.date == "2024"
    cost = cost_of(HOUR, 2, 0.0, price, table())
    assert cost is not None
    assert cost.total == cost.machine == pytest.approx(2 * 24.48)


def test_electricity_is_paid_by_the_kilowatt_hour():
    prices = table(node_hour="3 USD/h", kwh="0.20 USD/kWh")
    price = node_price(load_system("m40x4"), prices, "")
    cost = cost_of(2 * HOUR, 1, 5 * 3.6e6, price, prices)
    assert cost is not None
    assert (cost.machine, cost.electricity) == pytest.approx((6.0, 1.0))
    assert cost.total == pytest.approx(7.0)


def test_electricity_alone_where_the_machine_has_no_price():
    prices = table(kwh="0.20 USD/kWh")
    cost = cost_of(HOUR, 1, 3.6e6, node_price(load_system("m40x4"), prices, ""), prices)
    assert cost is not None
    assert (cost.total, cost.basis) == (pytest.approx(0.2), "electricity alone")


def test_a_purchase_is_spread_over_its_years():
    # 8,766,000 USD over 10 years of 8,766 hours are 100 USD an hour.
    price = node_price(load_system("m40x4"), table(node_purchase="8766000 USD", lifetime_years=10), "")
    assert price is not None
    assert price.value * HOUR == pytest.approx(100.0)
    profile = node_price(load_system("dgx1-v100"), table(lifetime_years=4), "")
    assert profile is not None
    assert (profile.kind, profile.date) == ("purchase", "2017-05")
    assert profile.value * HOUR == pytest.approx(149_000 / (4 * 8766))


def test_a_node_without_a_price_costs_what_its_accelerators_do():
    price = node_price(load_system("dgx1-v100"), table(), "")
    assert price is not None
    assert price.kind == "devices"
    assert price.value * HOUR == pytest.approx(8 * 3.06)
    stated = node_price(load_system("dgx1-v100"), table(devices={"v100-sxm2": "2.5 USD/h"}), "")
    assert stated is not None
    assert (stated.kind, stated.value * HOUR) == ("stated", pytest.approx(20.0))


def test_what_nobody_states_stays_unknown():
    assert node_price(load_system("m40x4"), table(), "") is None
    result = Simulation(scenario("m40x4")).run()
    assert result.cost is None
    assert result.to_dict()["cost"] is None


def test_a_stated_price_goes_before_the_list_and_is_marked():
    listed, stated = (
        Simulation(scenario("aws-p3-16xlarge", **prices)).run() for prices in ({}, {"node_hour": "48.96 USD/h"})
    )
    assert stated.cost == pytest.approx(2 * listed.cost)
    assert (listed.to_dict()["cost"]["kind"], stated.to_dict()["cost"]["kind"]) == ("list", "stated")
    assert stated.to_dict()["cost"]["node_hour_usd"] == pytest.approx(48.96)


def test_the_scenario_of_a_result_states_the_prices_again():
    result = Simulation(scenario(node_hour="3 USD/h", kwh="0.2 USD/kWh", pue=1.5)).run()
    again = Simulation(Scenario.from_dict(result.to_dict()["scenario"])).run()
    assert again.cost == result.cost


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ({"node_hour": "3 USD"}, "prices.node_hour: expected a price such as '0.9 USD/h', but '3 USD' has the unit"),
        ({"node_hour": "-3 USD/h"}, "prices.node_hour: expected at least 0, got '-3 USD/h'"),
        ({"node_hour": "3 USD/h", "lifetime_years": 4}, "expected one of node_hour, devices and lifetime_years"),
        ({"node_purchase": "3 USD"}, "node_purchase has an effect only with lifetime_years"),
        ({"kwh": "0.2 USD/h"}, "prices.kwh: expected an energy price such as '0.12 USD/kWh'"),
        ({"kwh": "0.2 USD/kWh"}, "prices.kwh: the list price of renting its accelerators elsewhere includes"),
        ({"pue": 0.9}, "prices.pue"),
        ({"devices": {"v100": "3 USD/h"}}, "prices.devices: unknown accelerator of dgx1-v100 'v100'"),
        ({"rent": "3 USD/h"}, "prices.rent: unknown key"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_has_no_effect_or_no_unit_is_refused_in_one_line(prices: dict[str, Any], message: str):
    with pytest.raises((InputError, UnknownNameError)) as caught:
        Simulation(scenario(**prices))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_purchase_cannot_be_spread():
    with pytest.raises(InputError, match=r"prices\.lifetime_years: m40x4 states no purchase price; give node_purchase"):
        Simulation(scenario("m40x4", lifetime_years=3))


def test_parts_add_up():
    cost = Cost(3.0, 0.5, "", NodePrice(1.0, "stated", ""))
    assert cost.total == 3.5
    assert cost.to_dict()["machine_usd"] + cost.to_dict()["electricity_usd"] == cost.total
