"""How much training is to be done, in samples: what stays the same while clusters and batches vary.

A plan compares ways to do the same work. Steps are no measure of it: twice the workers do twice the work in a step.
So work is counted in samples that all workers together compute gradients of; with so many workers and samples a
gradient it takes ⌈samples / (workers · batch)⌉ steps. Whether fewer, larger steps learn as much is another question,
which only learning in simulated time answers (``target = "accuracy=…"``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.errors import InputError, located
from simulator.resolved import LEARNER, ResolvedScenario
from simulator.scenario import Scenario, parse_value
from simulator.workload import Dataset, load_dataset

__all__ = ["Work", "assigned_number", "parse_work", "work_of"]


@dataclass(frozen=True, slots=True)
class Work:
    """An amount of training.

    Attributes
    ----------
    samples : float
        That gradients are computed of, by all workers together.
    text : str
        In words: ``"90 epochs of imagenet"``.
    """

    samples: float
    text: str

    def steps(self, workers: int, batch: int) -> int:
        """Gradients of `batch` samples that each of so many workers computes.

        Examples
        --------
        >>> Work(1000, "1,000 samples").steps(workers=4, batch=64)
        4
        """
        return max(1, math.ceil(self.samples / (workers * batch)))


def parse_work(text: str, scenario: Scenario) -> Work:
    """``"epochs=90"`` of the scenario's data set, or ``"samples=1.2e9"``.

    Raises
    ------
    InputError
        If it is neither, or not a positive number.
    """
    key, value = assigned_number(text)
    if value is None or key not in ("epochs", "samples") or not 0 < value < math.inf:
        raise InputError(f"work: expected epochs=N or samples=N with N above 0, got {text!r}")
    return _epochs(value, scenario) if key == "epochs" else Work(float(value), f"{value:,.15g} samples")


def work_of(scenario: Scenario) -> Work:
    """The work that a scenario states: its epochs, or what its steps come to on its own cluster.

    Raises
    ------
    InputError
        If its own cluster cannot be built, so that nobody knows how many workers do its steps.
    """
    workload = scenario.tables.workload
    if workload.epochs is not None:
        return _epochs(workload.epochs, scenario)
    assert workload.steps is not None
    # How many workers there are does not depend on the batch, and a batch of one is the least to fail for it.
    with located("work: the scenario states steps of a cluster that cannot be built; state epochs=N or samples=N"):
        workers = len(ResolvedScenario(scenario.override({"workload.batch_size": 1})).workers)
    samples = workload.steps * workload.batch_size * workers
    return Work(samples, f"{workload.steps:,} steps of {workers} × {workload.batch_size} samples")


def assigned_number(text: str) -> tuple[str, float | None]:
    """The key and the number of ``"key=number"``; no number where it is none."""
    key, _, number = text.partition("=")
    value = parse_value(number.strip())
    return key.strip(), None if isinstance(value, bool) or not isinstance(value, int | float) else value


def _epochs(epochs: float, scenario: Scenario) -> Work:
    dataset = _dataset(scenario)
    return Work(epochs * dataset.samples, f"{epochs:,.15g} epoch{'s' * (epochs != 1)} of {dataset.name}")


def _dataset(scenario: Scenario) -> Dataset:
    name = scenario.tables.workload.dataset
    if name == LEARNER:
        return ResolvedScenario(scenario.override({"workload.batch_size": 1})).dataset
    with located(f"{scenario.where}: workload.dataset"):
        return load_dataset(scenario.found(name))
