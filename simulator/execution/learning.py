"""Real gradients at simulated times: the arithmetic of a run that learns, and what it has learned by when.

Samples come from a sampler that deals every epoch out to the workers; gradients are the learner's, taken at the weights
as the simulated schedule has left them. The weights that training yields (the centre, or the mean of the workers'
replicas) are evaluated on the test samples every so many gradients; that costs no simulated time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from simulator.algorithms.rank import Rank, Task
from simulator.algorithms.rules import Settings
from simulator.learning import Learner, LearningData, Sampler
from simulator.randomness import stream
from simulator.scenario import LearningTable, ScenarioTables

__all__ = ["LearnerArithmetic", "LearningSetup", "Point", "holders", "learned_weights", "settings_at"]

Schedule = Literal["constant", "cosine", "step"]


@dataclass(frozen=True, slots=True)
class Point:
    """One evaluation: simulated time [s], gradients computed by then, test loss [nat] and test accuracy."""

    time: float
    gradients: int
    loss: float
    accuracy: float


class ForwardPass(Protocol):
    """A forward pass that has been made; see `simulator.learning.feed_forward.ForwardPass`."""

    loss: float

    def backward(self, first: int = 0) -> Any:
        """The gradient, from the last layer of the layout back to `first`."""
        ...


@dataclass
class _Whole:
    """The pass of a learner that goes forward and back in one."""

    loss: float
    gradient: Any

    def backward(self, first: int = 0) -> Any:
        """All of it."""
        return self.gradient


@dataclass
class LearnerArithmetic:
    """The numbers of a run that learns; see `simulator.execution.arithmetic.Arithmetic`.

    Attributes
    ----------
    weights : callable
        Gives the weights to evaluate; None until the run has made them.
    evaluate_every : int
        Gradients, of all workers together, from one evaluation to the next.
    target_accuracy, time_limit : float or None
        Stop when an evaluation reaches the accuracy, or at the first update after the time [s].
    curve : list of Point
        All evaluations, in order.
    diverged_at : float or None
        Time [s] of the first update after a loss that was no number.
    """

    learner: Learner
    data: LearningData
    sampler: Sampler
    weights: Callable[[], Any]
    evaluate_every: int
    target_accuracy: float | None = None
    time_limit: float | None = None
    curve: list[Point] = field(default_factory=list)
    gradients_by_worker: dict[int, int] = field(default_factory=dict)
    diverged_at: float | None = None
    reached_at: float | None = None
    _due: int = 0
    _not_finite: bool = False

    @property
    def gradients(self) -> int:
        """Gradients computed so far."""
        return sum(self.gradients_by_worker.values())

    def batch(self, worker: int, step: int) -> Any:
        """Inputs and labels of the samples dealt to the worker at that step."""
        chosen = self.sampler.indices(worker, step)
        return self.data.train_inputs[chosen], self.data.train_labels[chosen]

    def gradient(self, worker: int, step: int, weights: Any, batch: Any) -> Any:
        """The learner's gradient at `weights`."""
        loss, gradient = self.learner.gradient(weights, *batch)
        self._count(worker, loss)
        return gradient

    def forward(self, worker: int, weights: Any, batch: Any) -> ForwardPass:
        """The forward pass at `weights`; a learner that cannot stop there gives its whole gradient in advance.

        One that can reads them again on its way back: they must not change before that.
        """
        stages = getattr(self.learner, "forward", None)
        done: ForwardPass = stages(weights, *batch) if stages else _Whole(*self.learner.gradient(weights, *batch))
        self._count(worker, done.loss)
        return done

    def _count(self, worker: int, loss: float) -> None:
        self._not_finite |= not math.isfinite(loss)
        self.gradients_by_worker[worker] = self.gradients_by_worker.get(worker, 0) + 1

    def updated(self, now: float) -> bool:
        """Evaluate if that is due; whether the target is reached, the time is up or the loss is no number any more."""
        if self._not_finite:
            self.diverged_at = now
            return True
        if self.gradients >= self._due:
            self.evaluate(now)
            self._due = self.gradients - self.gradients % self.evaluate_every + self.evaluate_every
            if self.target_accuracy is not None and self.curve[-1].accuracy >= self.target_accuracy:
                self.reached_at = now
                return True
        return self.time_limit is not None and now >= self.time_limit

    def evaluate(self, now: float) -> None:
        """Add a point to the curve."""
        found = self.learner.evaluate(self.weights(), self.data.test_inputs, self.data.test_labels)
        self.curve.append(Point(now, self.gradients, found.loss, found.accuracy))


def learned_weights(ranks: Sequence[Rank], task: Task, learns: str) -> Any:
    """The result of training as it stands: the centre where it lives, or the mean of the workers' replicas."""
    if learns in task.shared:
        return task.shared[learns].value
    return np.mean([ranks[rank].arrays[learns].value for rank in holders(task, learns)], axis=0)


def holders(task: Task, learns: str) -> tuple[int, ...]:
    """The ranks whose arrays of that name are, on the mean, the result of training: the centre's, or all workers."""
    if learns != "centre":
        return task.workers
    return (task.masters[0] if task.masters else task.workers[0],)


def settings_at(
    learning_rate: float,
    elasticity: float,
    momentum: float,
    steps: int,
    schedule: Schedule = "constant",
    warmup: int = 0,
    decay: float = 0.1,
    decay_every: int = 0,
) -> Callable[[int], Settings]:
    """Hyper-parameters as a function of the step.

    The rate rises linearly over `warmup` steps (Goyal et al. 2017), then stays, falls along half a cosine to 0 at
    `steps` (Loshchilov and Hutter 2017), or is multiplied by `decay` every `decay_every` steps. ρ and μ stay.
    """

    def at(step: int) -> Settings:
        factor = min(1.0, (step + 1) / (warmup + 1))
        if step >= warmup:
            if schedule == "cosine":
                factor = 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
            elif schedule == "step" and decay_every:
                factor = decay ** ((step - warmup) // decay_every)
        return Settings(learning_rate * factor, elasticity, momentum)

    return at


@dataclass(frozen=True)
class LearningSetup:
    """A scenario's learning, ready to run.

    Attributes
    ----------
    workers, steps : int
        Of the run.
    tables : ScenarioTables
        Where seed and default batch size are.
    network_parameters : int
        Of the network whose time is counted.
    """

    table: LearningTable
    learner: Learner
    data: LearningData
    workers: int
    tables: ScenarioTables
    steps: int
    network_parameters: int

    @property
    def elasticity(self) -> float:
        """ρ; where the scenario gives none, η ρ is 0.9 / P, the choice of Zhang, Choromanska and LeCun (2015)."""
        if self.table.elasticity is not None:
            return self.table.elasticity
        return 0.9 / (self.workers * self.table.learning_rate)

    def arithmetic(self, weights: Callable[[], Any]) -> LearnerArithmetic:
        """The numbers of one run; `weights` gives the weights to evaluate."""
        batch = self.table.batch_size or self.tables.workload.batch_size
        samples = len(self.data.train_labels)
        return LearnerArithmetic(
            self.learner,
            self.data,
            Sampler(samples, self.workers, batch, self.tables.simulation.seed),
            weights,
            evaluate_every=self.table.evaluate_every * self.workers,
            target_accuracy=self.table.target_accuracy,
            time_limit=self.table.time_limit,
        )

    def task_fields(self) -> dict[str, Any]:
        """What ranks must know: the weights to start from and the hyper-parameters of each step."""
        table = self.table
        settings = settings_at(
            table.learning_rate,
            self.elasticity,
            table.momentum,
            self.steps,
            table.schedule,
            table.warmup,
            table.decay,
            table.decay_every,
        )
        initial = self.learner.initial(stream(self.tables.simulation.seed, "initial weights"))
        return {"initial": initial, "settings": settings}

    def outcome(self, learned: LearnerArithmetic) -> dict[str, Any]:
        """The JSON result's `learning`."""
        curve = learned.curve
        return {
            "model": self.learner.name,
            "parameters": self.learner.elements,
            "data": self.data.name,
            "source": self.data.source,
            "rides_on": self.tables.workload.network,
            "elasticity": self.elasticity,
            "final_accuracy": curve[-1].accuracy if curve else None,
            "best_accuracy": max((point.accuracy for point in curve), default=None),
            "target_accuracy": self.table.target_accuracy,
            "reached_at_s": learned.reached_at,
            "diverged_at_s": learned.diverged_at,
            "updates_per_worker": [learned.gradients_by_worker.get(worker, 0) for worker in range(self.workers)],
            "curve": [
                {
                    "time_s": point.time,
                    "gradients": point.gradients,
                    "loss": point.loss if math.isfinite(point.loss) else None,
                    "accuracy": point.accuracy,
                }
                for point in curve
            ],
        }

    def warnings(self, learned: LearnerArithmetic) -> tuple[str, ...]:
        """What a reader must not overlook."""
        found = []
        best = max((point.accuracy for point in learned.curve), default=0.0)
        if learned.diverged_at is not None:
            found.append(
                f"training diverged at {learned.diverged_at:.4g} s after {learned.gradients:,} gradients: the loss is "
                f"no number any more; best accuracy before that {best:.3f}; try a smaller learning.learning_rate"
            )
        elif self.table.target_accuracy is not None and learned.reached_at is None:
            found.append(
                f"accuracy {self.table.target_accuracy:g} was not reached in {learned.gradients:,} gradients; "
                f"best {best:.3f}; allow more workload.steps or change learning.learning_rate"
            )
        if self.learner.elements != self.network_parameters:
            found.append(
                f"gradients are those of {self.learner.name} ({self.learner.elements:,} parameters) on "
                f"{self.data.name}; times are those of {self.tables.workload.network}"
            )
        return tuple(found)
