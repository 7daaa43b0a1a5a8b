"""The learner as the network whose time is counted: the same layers, the same numbers, the same bytes."""

import importlib.util

import pytest

from simulator.errors import InputError
from simulator.learning import load_data, load_learner
from simulator.learning.workload import workload_dataset, workload_network
from simulator.simulation import Simulation, load, simulate

LEARNER = {"workload.network": "learner", "workload.dataset": "learner", "workload.steps": 6}


@pytest.mark.parametrize(
    ("model", "options"),
    [("softmax", {}), ("mlp", {}), ("mlp", {"hidden": [7, 9]}), ("lenet", {}), ("lenet", {"filters": [3, 5]})],
    ids=["softmax", "mlp", "mlp-7-9", "lenet", "lenet-3-5"],
)
@pytest.mark.parametrize("data", ["digits", "synthetic:shape=3x20x16,samples=40"], ids=["digits", "blobs"])
def test_the_description_has_the_weights_of_the_learner(model, options, data):
    samples = load_data(data)
    learner = load_learner(model, samples, **options)
    network = workload_network(learner, samples)
    assert tuple(count for _, count in network.parameter_layout()) == learner.layout
    assert network.parameters == learner.elements


def test_a_dense_layer_costs_two_operations_a_weight():
    data = load_data("digits")
    network = workload_network(load_learner("mlp", data, hidden=[32]), data)
    products = 2 * (64 * 32 + 32 * 10)
    assert products <= network.forward_flops <= products * 1.1  # biases, ReLU and softmax are the rest


def test_samples_are_as_large_as_in_memory():
    data = load_data("digits")
    assert workload_dataset(data).batch_bytes(5) == data.train_inputs[:5].nbytes


def test_a_workload_can_be_the_learner():
    simulation = Simulation(load("m40x4-digits", **LEARNER))
    assert simulation.network.parameters == simulation.learning.learner.elements
    assert simulation.dataset.samples == len(simulation.learning.data.train_labels)


def test_the_learner_needs_a_learning_table():
    with pytest.raises(InputError, match=r"workload.network: 'learner' stands for what learns.*no \[learning\] table"):
        Simulation(load("m40x4-lenet", **{"workload.network": "learner"}))


@pytest.mark.parametrize("algorithm", ["sync-easgd3", "async-sgd", "original-easgd"])
def test_counting_time_alone_gives_the_same_times(algorithm):
    scenario = load("m40x4-digits", **LEARNER, **{"algorithm.name": algorithm})
    learned, timed = simulate(scenario), simulate(scenario.override({"simulation.timing_only": True}))
    assert timed.time == learned.time
    assert timed.learning is None
    assert learned.learning is not None


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_layers_of_a_module_are_matrix_products():
    import torch

    from simulator.learning.torch_module import TorchLearner

    def make():
        layers = [torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.GroupNorm(2, 4), torch.nn.ReLU(), torch.nn.Flatten()]
        return torch.nn.Sequential(*layers, torch.nn.Linear(4 * 64, 10)).double()

    data = load_data("digits")
    learner = TorchLearner("net", make)
    assert learner.products(data) == [("0", 40, 4, 9, 64), ("1", 8, 1, 1, 256), ("4", 2570, 10, 256, 1)]
    network = workload_network(learner, data)
    assert tuple(count for _, count in network.parameter_layout()) == learner.layout
