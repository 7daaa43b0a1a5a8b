"""Theano-MPI on one K80 node: seconds per 5,120 images with training, communication and waiting apart.

``BSP`` with ``nccl32`` is synchronous SGD with a ring all-reduce after the backward pass, which is simulated. Waiting
is for the slowest worker of each step: what a step takes longer when workers' times vary from step to step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from simulator.simulation import simulate
from validation.checks import Verdict
from validation.published.fitting import Bounds, Case, Parameters, Stage
from validation.published.jobs import Job, Simulated
from validation.published.reference import Row
from validation.published.source import ALLOWED, Judged, Source, median_error, unseen

__all__ = ["THEANO"]

_NETWORKS = {"AlexNet": "alexnet", "GoogLeNet": "googlenet", "VGG16": "vgg-16", "ResNet50": "resnet-50-v1"}
_IMAGES = 5120
_SYSTEM = "sharcnet-copper"
_JITTER = "jitter.compute"
_TRAIN, _COMMUNICATION, _WAITING = "train_time", "comm_time", "sync_wait"
_LINKS = "communication of two GPUs"
#: Steps over which waiting is averaged.
_STEPS = 100


def _job(row: Row, workers: int) -> Job:
    options = {"collectives": {"all_reduce": "ring"}}
    return Job(_SYSTEM, _NETWORKS[row.model], workers, row.batch, "sync-sgd", options=options)


def _steps(row: Row) -> float:
    """Steps of all workers in which 5,120 images are seen."""
    return _IMAGES / (row.n * row.batch)


def _training(simulated: Simulated, row: Row, parameters: Parameters) -> float:
    return _steps(row) * simulated.step_time(_job(row, 1), parameters)


def _communication(simulated: Simulated, row: Row, parameters: Parameters) -> float:
    """What a step takes longer than on one worker."""
    alone = simulated.step_time(_job(row, 1), parameters)
    return _steps(row) * (simulated.step_time(_job(row, row.n), parameters) - alone)


def _waiting(simulated: Simulated, row: Row, parameters: Parameters) -> float:
    """What a step takes longer when times vary."""
    steady = {name: value for name, value in parameters.items() if name != _JITTER}
    changes = {"workload.steps": _STEPS, "simulation.jitter": parameters[_JITTER]}
    scenario = _job(row, row.n).scenario(steady).override(changes)
    alone = _job(row, 1).scenario(steady).override(changes)
    longer = simulate(scenario).time - simulate(alone).time
    steady_longer = simulated.step_time(_job(row, row.n), steady) - simulated.step_time(_job(row, 1), steady)
    return _steps(row) * max(longer / _STEPS - steady_longer, 1e-9)


def _cases(rows: Sequence[Row], simulated: Simulated) -> list[Case]:
    found, parts = [], dict[tuple[str, int, int], dict[str, Row]]()
    for row in rows:
        parts.setdefault((row.model, row.batch, row.n), {})[_part(row)] = row
    for (model, batch, n), given in parts.items():
        one, wait = f"one GPU, {model}, batch {batch}", f"waiting of two GPUs, {model}, batch {batch}"
        name, train = f"{model}, batch {batch}, {n} GPU{'s' * (n > 1)}", given[_TRAIN]
        training = Case("Theano-MPI: training", name, train.value, partial(_training, simulated, train), "s")
        found.append(replace(training, stages=(one,), fits=one if n == 1 else "", tags=(_TRAIN,)))
        if n == 1:
            continue
        spent, waited, larger = given[_COMMUNICATION], given[_WAITING], n > 2
        speed, predict = _IMAGES / (train.value + spent.value), partial(_throughput, simulated, train)
        throughput = Case("Theano-MPI: throughput of training and communication", name, speed, predict)
        communication = partial(_communication, simulated, spent)
        waiting = partial(_waiting, simulated, waited)
        for case, stages, fits, tag in (
            (Case("Theano-MPI: communication", name, spent.value, communication, "s"), (one, _LINKS), _LINKS, spent),
            (Case("Theano-MPI: waiting", name, waited.value, waiting, "s"), (one, _LINKS, wait), wait, waited),
            (throughput, (one, _LINKS), "", None),
        ):
            part = _part(tag) if tag else "throughput"
            found.append(replace(case, stages=stages, fits="" if larger else fits, larger=larger, tags=(part,)))
    return found


def _part(row: Row) -> str:
    """Training, communication or waiting."""
    return row.metric.split("_per_")[0]


def _throughput(simulated: Simulated, row: Row, parameters: Parameters) -> float:
    return simulated.throughput(_job(row, row.n), parameters)


def _verdicts(title: str, judged: Sequence[Judged]) -> list[Verdict]:
    def rows(part: str) -> list[Judged]:
        return [(case, check) for case, check in judged if part in case.tags]

    found = [
        Verdict(title, f"median error of {what} on four GPUs", median_error(unseen(rows(part))), ALLOWED)
        for what, part in (("throughput", "throughput"), ("communication time", _COMMUNICATION))
    ]
    return found


def _stages() -> list[Stage]:
    runs = [("AlexNet", 128), ("GoogLeNet", 32), ("VGG16", 16), ("VGG16", 32), ("ResNet50", 64)]
    ones = [
        Stage(
            f"one GPU, {model}, batch {batch}",
            {f"compute.scale.{_NETWORKS[model]}": Bounds(1.2, 0.2, 5.0)},
            f"training of {model}, batch {batch}, on one GPU",
        )
        for model, batch in runs
    ]
    names = tuple(stage.name for stage in ones)
    links = {"link.pcie3-x16.bandwidth": Bounds(0.6, 0.1, 1.0), "collective.call": Bounds(1e-3, 1e-5, 0.1)}
    stages = [*ones, Stage(_LINKS, links, "communication of all networks on two GPUs", after=names)]
    for model, batch in runs:
        name, after = f"waiting of two GPUs, {model}, batch {batch}", (f"one GPU, {model}, batch {batch}", _LINKS)
        jitter = {_JITTER: Bounds(0.1, 0.005, 1.0)}
        stages.append(Stage(name, jitter, f"waiting of {model}, batch {batch}, on two GPUs", after=after))
    return stages


THEANO = Source(
    name="theano",
    title="Theano-MPI",
    table="theano_mpi_k80_pcie",
    text="""\
`sync-sgd` with a ring. Training is the time of a step on one GPU, communication what a step on several takes longer,
and waiting what it takes longer still with the jitter that the two-GPU row of the same network shows.
""",
    reasons="""\
- *Theano-MPI, waiting* is not predicted: on two GPUs it is 3 to 21 % of the training time and on four anything from a
  third to four times as much a step, so it is not the sampling of steps that vary alike and alone, which jitter is.
  The loading processes of that code compete for the host, and no figure here says how much.
- *Theano-MPI, communication* of GoogLeNet, which moves the least bytes in the most messages, is predicted a quarter too
  fast on four GPUs: one call overhead stands for what each layer costs.
""",
    stages=_stages(),
    cases=_cases,
    verdicts=_verdicts,
)
