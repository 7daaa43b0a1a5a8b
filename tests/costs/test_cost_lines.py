"""The table of a run says by which rule its cost and energy were counted."""

from __future__ import annotations

import pytest

from simulator.cli import main


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["run", "dgx1-resnet50", "--set", "workload.steps=3", *arguments])
    assert ended.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_a_list_price_has_its_date(capsys: pytest.CaptureFixture[str]):
    assert "of 2024, 24.5 USD/h a node)" in shown(capsys)


def test_a_stated_price_says_that_it_was(capsys: pytest.CaptureFixture[str]):
    text = shown(capsys, "--set", "prices.node_hour=10 USD/h", "--set", "prices.pue=1.3")
    assert "(as stated, a node, 10 USD/h a node)" in text
    assert "with the facility's 1.3)" in text


def test_an_unknown_price_says_how_to_give_one(capsys: pytest.CaptureFixture[str]):
    text = shown(capsys, "--set", "cluster.system=dgx1-p100")
    assert "unknown: dgx1-p100 states no price; --set prices.node_hour='… USD/h' gives one" in text


def test_energy_says_how_busy_and_what_is_unknown(capsys: pytest.CaptureFixture[str]):
    text = shown(capsys, "--set", "cluster.system=aws-p3-16xlarge")
    assert "accelerators busy" in text
    assert "idle power of xeon-e5-2686v4-2s unknown, taken as busy; without fans, adapters and switches" in text


def test_a_purchase_has_its_date_and_electricity_apart(capsys: pytest.CaptureFixture[str]):
    text = shown(capsys, "--set", "prices.lifetime_years=4", "--set", "prices.kwh=0.12 USD/kWh")
    assert "149,000 USD a node over 4 years of steady use of 2017-05, 4.25 USD/h a node; " in text
    assert "USD of it electricity)" in text
