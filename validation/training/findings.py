"""The part ``training``: real runs on one machine, predicted from a calibration that saw a third of them.

Needs no MPI: the runs were recorded once (`validation.training.grid`), and their step times, a few steps of the traces
that the calibration saw, the profile of the machine and the calibration lie in ``validation/training/recorded``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import log
from pathlib import Path
from statistics import mean, median

import numpy as np

from simulator.errors import InputError
from validation.checks import Check, Findings, Progress, Verdict
from validation.training.grid import FOLDER, MACHINE, Case, Measured, fitted_third, read_measured, simulated_step

__all__ = ["findings", "predict", "rank_correlation"]

TITLE = "Training: real runs of the same algorithms on one machine"
_SECTION = "time of a step"
#: Fewest algorithms of a cell that can be put in an order worth comparing.
_FEWEST = 4

INTRODUCTION = """\
{runs} runs over MPI on one machine ({processor}, {cores} cores): {algorithms} algorithms × 1 to 4 workers × two
networks × two widths × two batch sizes, each with real gradients, made {repeats} time(s), cell by cell and the
algorithms of a cell in random order; the measured figure is the median over its steps, and of all repetitions. With a
master, up to five processes share {cores} cores.

The profile of the machine was measured by `clustersim probe`. The calibration saw **a third of the grid, drawn at
random before anything was measured** (`validation.training.grid.fitted_third`); those rows are marked as fitted and
not judged. All other rows were predicted unseen. Allowed, fixed beforehand: median 10 %, 90th percentile 25 %, and a
rank correlation of algorithms of 0.9.
"""

REASONS = """\
- *One run is not another.* The machine is a virtual one whose speed depends on its neighbours: by five probes in these
  hours two processes do 1.64 to 1.87 times the work of one, and two runs of the same case differed by 13 to 19 %
  (standard deviation; by half now and then), where the eight algorithms differ by a quarter from first to last. That is
  why all algorithms of a cell are measured one after the other, why the median of repetitions is compared, and why
  three were made in one hour and three in another. How well one half of the repetitions gives the order of the other
  stands beside the verdicts. Within single cells that is so little that even a perfect prediction would have about 0.84
  there with the medians of all (Spearman and Brown's formula): the bound is missed for want of quieter measurements as
  well as of a better model. And it leaves the figure over the whole grid some luck: a fit to the runs of the second
  hour alone had 0.73 with these and 0.87 with the runs of both hours, the fit to both has 0.96.
- *A queue for each core.* Until the second hour was recorded the model had one queue for all cores, so no core was idle
  while a process waited. Of three processes on two cores that compute 13 ms and then wait for one another, two are left
  on one core until both are done: the system moves a waiting process to an idle core after some ticks of 4 ms only (25
  ms of work each take 45 ms instead of 38, 100 ms each 160 instead of 155). The model has that delay now
  (`balance_delay`, `cores.balance`); with one queue synchronous methods with three workers were predicted a tenth too
  fast beside the others, and the rank correlation for three workers was 0.4 to 0.5. The delay depends on how processes
  wait: 1 to 4 ms in the probe, whose processes sleep, about 12 ms where they exchange something as they end. The fit
  begins at 4 ms. That a message's sides work one after the other, as the sender wakes the receiver, came with it. Both
  were chosen after the order of all rows of three workers had been looked at.
- *Four workers*: sync-sgd and ddp-msgd leave cores idle (0.94 of them are used where methods with a master use all; the
  model says 1.0). Traces show steps in which three workers are in the queue of one core and the fourth has the other
  for itself; the model always puts who wakes up into the shorter queue. Having him wait where he was last was tried: no
  better. So was letting who wakes up interrupt others after a third of a slice.
- *ddp-msgd* is predicted too fast with one worker already, where there are no messages. Its passes in parts take no
  longer than whole ones (4.3 and 4.3 ms for the narrow mlp, 17.6 and 17.2 with larger batches); the rest is not
  explained.
- *What the real processes do besides*: the parts of a gradient are put together again, which the model counts by their
  bytes. Threads of one process wait for its interpreter as well, which it does not.
- *What was chosen with unseen rows in sight*, besides: the lengths of steps (the first grid had steps of 1 to 15 ms,
  shorter than the system's time slices); that whole steps are fitted; that processes take turns; that a collective
  without partners still copies, and that the first message of an array has a header; how closely the fit is held to
  what the probe has measured of cores. The values were fitted to the seen third alone.
- *Recorded four times*, each time since the real processes had been mended: they wake one another and carry rules out
  in pieces; they sleep until they are woken; threads of a master wake only those whose message has come, and neither
  weights nor parts of a gradient are copied.
"""


def findings(reference: Path | None, progress: Progress) -> Findings:
    """Findings on the recorded runs in `reference`, by default those that come with the project."""
    folder = reference or FOLDER
    if not (folder / "step-times.jsonl").exists():
        return Findings(
            "training",
            TITLE,
            missing=f"no recorded runs in {folder}; record some with 'python -m validation.training.grid --out FOLDER'",
        )
    measured, seen = read_measured(folder), set(fitted_third())
    predicted = []
    for index, row in enumerate(measured):
        progress(str(row.case), index / len(measured))
        predicted.append(predict(row.case, folder))
    checks = [_check(row, seconds, row.case in seen) for row, seconds in zip(measured, predicted, strict=True)]
    unseen = [(row, seconds) for row, seconds in zip(measured, predicted, strict=True) if row.case not in seen]
    machine = json.loads((folder / "machine.json").read_text(encoding="utf-8"))
    introduction = INTRODUCTION.format(
        runs=sum(len(row.step_times) for row in measured),
        processor=machine["processor"],
        cores=machine["cores"],
        algorithms=len({row.case.algorithm for row in measured}),
        repeats=max(len(row.step_times) for row in measured),
    )
    pairs = list(zip(measured, predicted, strict=True))
    verdicts = [*_verdicts(unseen), *_ranking_verdicts(pairs, seen)]
    return Findings("training", TITLE, introduction, checks, verdicts, REASONS)


def predict(case: Case, folder: Path = FOLDER) -> float:
    """The simulated time of a step of a case [s], on the profile and with the calibration in `folder`.

    Raises
    ------
    InputError
        If the folder holds no calibration.
    """
    overlay = folder / "overlay.toml"
    if not overlay.exists():
        raise InputError(
            f"{overlay}: no such file; 'python -m validation.training --refit' makes it from the traces beside it"
        )
    scenario = case.scenario(MACHINE, folder)
    return simulated_step(scenario, {"calibration.overlay": overlay.name})


def rank_correlation(rows: Iterable[tuple[Case, float, float]]) -> list[float]:
    """Spearman's correlation between two figures of the algorithms, in each cell of the grid that has enough of them.

    `rows` are (case, one figure, the other); a cell is all cases that differ in nothing but the algorithm.
    """
    from scipy.stats import spearmanr

    cells: dict[tuple[object, ...], list[tuple[float, float]]] = defaultdict(list)
    for case, one, other in rows:
        cells[case.cell].append((one, other))
    return [
        float(spearmanr([one for one, _ in pairs], [other for _, other in pairs]).statistic)
        for pairs in cells.values()
        if len(pairs) >= _FEWEST
    ]


def _check(row: Measured, predicted: float, fitted: bool) -> Check:
    case = row.case
    workers = f"{case.workers} worker{'s' * (case.workers > 1)}"
    name = f"{case.algorithm}, {workers}, {case.width} {case.model}, batch {case.batch_size}"
    spread = max(row.step_times) / min(row.step_times) - 1.0
    return Check(
        _SECTION,
        name,
        predicted,
        row.step_time,
        "s",
        series=case.algorithm,
        fitted=fitted,
        note=f"repeats within {spread:.0%}",
    )


def _verdicts(unseen: Sequence[tuple[Measured, float]]) -> list[Verdict]:
    errors = np.array([abs(seconds / row.step_time - 1.0) for row, seconds in unseen])
    found = [
        Verdict(_SECTION, f"median error of {len(errors)} unseen cases", float(np.median(errors)), 0.10),
        Verdict(_SECTION, "90th percentile of their errors", float(np.quantile(errors, 0.9)), 0.25),
    ]
    return found


def _ranking_verdicts(pairs: Sequence[tuple[Measured, float]], seen: Collection[Case]) -> list[Verdict]:
    """How well the algorithms are put in order: cell by cell, and on the whole for a number of workers."""
    several = [(row, seconds) for row, seconds in pairs if row.case.workers > 1]
    unseen = [(row, seconds) for row, seconds in several if row.case not in seen]
    ranked = rank_correlation((row.case, row.step_time, seconds) for row, seconds in unseen)
    again = rank_correlation(_halves(row for row, _ in unseen))
    by_workers = overall_rank_correlation([(row.case, row.step_time, seconds) for row, seconds in several], seen)
    shown = _by_workers(by_workers)
    repeated = overall_rank_correlation(list(_halves(row for row, _ in several)), seen)
    return [
        Verdict(
            _SECTION,
            "rank correlation of algorithms over the whole grid, mean of 2, 3 and 4 workers",
            mean(by_workers.values()),
            0.9,
            "at least",
            unit="",
            note=f"{shown}; each algorithm by the mean over its unseen cases of its time relative to the cell's mean"
            + (f"; half of the repetitions against the others gives {_by_workers(repeated)}" if repeated else ""),
        ),
        Verdict(
            _SECTION,
            "the same within single cells, mean over cells",
            mean(ranked),
            0.9,
            "at least",
            unit="",
            note=f"{len(ranked)} cells"
            + (f"; half of the repetitions against the others gives {mean(again):.2f}" if again else ""),
        ),
    ]


def overall_rank_correlation(rows: Sequence[tuple[Case, float, float]], seen: Collection[Case]) -> dict[int, float]:
    """Spearman's correlation between two figures of the algorithms, for each number of workers.

    An algorithm's figure is its geometric mean, over its cases that are not in `seen`, relative to the geometric mean
    of all algorithms in the same cell: which algorithm to choose on such a machine, whatever the network.
    """
    from scipy.stats import spearmanr

    cells: dict[tuple[object, ...], list[tuple[float, float]]] = defaultdict(list)
    for case, one, other in rows:
        cells[case.cell].append((log(one), log(other)))
    relative: dict[int, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for case, one, other in rows:
        if case not in seen:
            here = cells[case.cell]
            means = (mean(pair[0] for pair in here), mean(pair[1] for pair in here))
            relative[case.workers][case.algorithm].append((log(one) - means[0], log(other) - means[1]))
    found = {}
    for workers, algorithms in sorted(relative.items()):
        figures = [tuple(mean(pair[side] for pair in pairs) for side in (0, 1)) for pairs in algorithms.values()]
        found[workers] = float(spearmanr([one for one, _ in figures], [other for _, other in figures]).statistic)
    return found


def _by_workers(correlations: Mapping[int, float]) -> str:
    return ", ".join(f"{workers} workers {value:.2f}" for workers, value in correlations.items())


def _halves(rows: Iterable[Measured]) -> Iterator[tuple[Case, float, float]]:
    """Of every case that was repeated, the medians of the first half of its repetitions and of the second."""
    for row in rows:
        half = len(row.step_times) // 2
        if half:
            yield row.case, median(row.step_times[:half]), median(row.step_times[half:])
