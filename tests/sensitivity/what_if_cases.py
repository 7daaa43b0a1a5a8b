"""Scenarios that between them use every kind of part, and what it takes to make all of their parts faster."""

from pathlib import Path

import simulator
from simulator.scenario import Scenario
from simulator.simulation import Simulation
from simulator.what_if import what_ifs

ROOT = Path(__file__).resolve().parents[2]
FEW = {"workload.steps": 4}
M40 = {"workload.steps": 6}
#: Name of the case: bundled scenario and changes.
CASES = {
    "gpu-box-synchronous": ("m40x4-lenet", M40),
    "gpu-box-round-robin": ("m40x4-lenet", {**M40, "algorithm.name": "original-easgd"}),
    "gpu-box-first-come": ("m40x4-lenet", {**M40, "algorithm.name": "async-easgd"}),
    "gpu-box-lock-free": ("m40x4-lenet", {**M40, "algorithm.name": "hogwild-easgd"}),
    "pageable-and-unpacked": ("m40x4-lenet", {**M40, "cluster.host_memory": "pageable", "algorithm.packed": False}),
    "jitter": ("m40x4-lenet", {**M40, "simulation.jitter": 0.2}),
    "calibrated": (
        "m40x4-lenet",
        {
            **M40,
            "calibration.parameters": {
                "compute.scale": 1.3,
                "compute.fixed": 1e-4,
                "update.fixed": 1e-5,
                "load.fixed": 2e-5,
                "overhead.copy": 3e-5,
                "link.pcie3-x16.latency": 1e-5,
                "collective.call": 5e-5,
            },
        },
    ),
    "dragonfly-of-knl": ("cori-vgg", {**FEW, "cluster.nodes": 3}),
    "flat-memory": (
        "cori-googlenet",
        {**FEW, "cluster.nodes": 2, "cluster.memory_mode": "flat", "workload.batch_size": 32},
    ),
    "divided-chip": ("knl-partition", {**FEW, "cluster.partitions": 4}),
    "nvlink-mesh": ("dgx1-resnet50", FEW),
    "fat-tree-with-gpudirect": ("dgx1-resnet50", {**FEW, "cluster.system": "dgx-a100", "cluster.nodes": 2}),
    "oversubscribed-ethernet": (
        "m40x4-lenet",
        {**FEW, "cluster.system": "ethernet-cluster", "cluster.nodes": 60, "algorithm.name": "sync-sgd"},
    ),
    "processes-that-share-cores": (
        "m40x4-lenet",
        {
            **M40,
            "cluster.system": str(ROOT / "validation/training/recorded/machine/cpu-node.toml"),
            "cluster.workers": 3,
            "workload.precision": "fp64",
        },
    ),
}


def case(name: str) -> Scenario:
    """The scenario of a case."""
    bundled, changes = CASES[name]
    return simulator.load(bundled, **changes)


def everything(scenario: Scenario, times: float) -> Scenario:
    """The scenario with every figure that stands for itself so many times as good."""
    parameters = [each for each in what_ifs(Simulation(scenario)) if not each.members]
    return scenario.override({"what_if": {each.name: each.better(times) for each in parameters}})


def asking(scenario: Scenario, **factors: float) -> Scenario:
    """The scenario with what-if factors, by names whose dots are written as they are."""
    return scenario.override({"what_if": factors})
