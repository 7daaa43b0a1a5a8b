"""From a scenario's ``[reliability]`` table and the run that was simulated to the time of a campaign.

Which nodes are critical follows from the algorithm, unless the table says otherwise. Where the master's threads serve
every worker by itself (`Algorithm.server`) and there is no collective, a worker's failure takes only its own share of
the throughput away, and the failure of a master's node stops the run. Everywhere else a worker that fails is waited for
by all others, so any failure stops the run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.errors import InfeasibleError, InputError
from simulator.reliability.campaign import Campaign, Outcomes, play
from simulator.reliability.checkpoint import checkpoint_size, checkpoint_times
from simulator.reliability.expected import expected_failures, expected_time
from simulator.reliability.intervals import daly_interval, optimum_interval, young_interval
from simulator.reliability.mtbf import node_mtbf
from simulator.reliability.outcome import Checkpoints, Reliability, Spread
from simulator.reliability.table import ReliabilityTable, seconds
from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.resolved import ResolvedScenario

__all__ = ["ReliabilitySetup", "reliability_setup"]

#: Failures of a campaign beyond which it is not played: it has no end, or is better described by its parts.
MOST_FAILURES = 20_000
#: Nodes with times of their own, in all campaigns together: 0.4 GB for each thing that is known of them.
_MOST_CLOCKS = 50_000_000


def _time(value: float) -> str:
    return format_quantity(value, "time")


@dataclass(frozen=True)
class ReliabilitySetup:
    """A scenario's failures and checkpoints, resolved; only the run's time is still open. SI units.

    Attributes
    ----------
    where : str
        Place for error messages.
    mtbf, source : float, str
        Of a node, and where the figure is from.
    critical, replaceable, share : int, int, float
        As in `Campaign`.
    size, stall, drain : float
        Of a checkpoint; zero where none is written.
    work, steps : float or None
        Length of the campaign: seconds of training, or gradients of each worker; the run's own if both are None.
    seed : int
    """

    table: ReliabilityTable
    where: str
    mtbf: float
    source: str
    critical: int
    replaceable: int
    share: float
    size: float
    stall: float
    drain: float
    work: float | None
    steps: float | None
    seed: int

    @property
    def system_mtbf(self) -> float:
        """Mean time between failures that stop the run [s]."""
        return self.mtbf / self.critical if self.critical else math.inf

    def work_of(self, run_time: float, run_steps: int) -> float:
        """Seconds of training of the campaign, given time and steps of the run that it is made of."""
        if self.work is not None:
            return self.work
        return run_time * (self.steps / run_steps) if self.steps is not None else run_time

    def intervals(self, work: float) -> int:
        """Into how many equal parts checkpoints cut the work: intervals are at most as long as was asked for.

        Raises
        ------
        InputError
            If a checkpoint would not be safe before the next one is taken.
        """
        if self.table.checkpoint == "none":
            return 1
        if self.table.checkpoint != "optimal":
            interval = seconds(self.table.checkpoint)
            count = max(1, math.ceil(work / interval * (1.0 - 1e-12)))
            if count > 1 and work / count + self.stall < self.drain:
                raise InputError(
                    f"{self.where}.checkpoint: a checkpoint is safe {_time(self.drain)} after it was taken; "
                    f"expected at least as long from one to the next, got {self.table.checkpoint!r}"
                )
            return count
        if not self.critical:
            return 1
        count = max(1, math.floor(work / max(optimum_interval(self.stall, self.system_mtbf), 1e-9 * work)))
        most = max(1, math.floor(work / (self.drain - self.stall))) if self.drain > self.stall else math.inf
        candidates = [number for number in (count, count + 1) if number <= most] or [int(most)]
        return min(candidates, key=lambda number: self._closed_form(work, number))

    def campaign(self, work: float, intervals: int | None = None) -> Campaign:
        """The campaign that so much work makes, with so many checkpoints in place of the table's."""
        table = self.table
        return Campaign(
            work=work,
            intervals=self.intervals(work) if intervals is None else intervals,
            stall=self.stall,
            drain=self.drain,
            restart=seconds(table.restart),
            mtbf=self.mtbf,
            critical=self.critical,
            replaceable=self.replaceable,
            share=self.share,
            shape=table.shape,
            spares=table.spare_nodes,
            repair=0.0 if table.repair is None else seconds(table.repair),
        )

    @property
    def exact(self) -> bool:
        """Whether the closed form describes what is played: Poisson failures, alike waits, nobody who goes on."""
        return self.table.shape is None and not self.replaceable and not self.table.spares

    def _closed_form(self, work: float, intervals: int) -> float:
        """Expected time [s] by the closed form; an estimate where it is not `exact`."""
        wait = seconds(self.table.restart)
        if self.table.spare_nodes == 0 and self.table.repair is not None:
            wait += seconds(self.table.repair)
        return expected_time(work, intervals, self.stall, wait, self.system_mtbf, self.drain)

    def expected(self, work: float, intervals: int | None = None) -> float:
        """Expected time [s] by the closed form; with as many checkpoints as the table asks for, or so many.

        Raises
        ------
        InfeasibleError
            If failures come so often that the work would practically never be done.
        """
        count = self.intervals(work) if intervals is None else intervals
        time = self._closed_form(work, count)
        every = self.mtbf / (self.critical + self.replaceable)
        if expected_failures(time, every) > MOST_FAILURES:
            what = f"takes {_time(time)}" if math.isfinite(time) else "never ends"
            raise InfeasibleError(
                f"{self.where}: a failure every {_time(every)} and {_time(work / count)} from checkpoint to "
                f"checkpoint: {_time(work)} of training {what} and sees more than {MOST_FAILURES:,} failures; "
                "expected shorter intervals, fewer nodes, or less work"
            )
        return time

    def assess(
        self,
        run_time: float,
        run_steps: int,
        progress: Callable[[float], None] = lambda share: None,
        *,
        work: float | None = None,
        intervals: int | None = None,
    ) -> Reliability:
        """The campaign's time and what makes it up, given time [s] and steps of the run that it is made of.

        Parameters
        ----------
        run_time, run_steps : float, int
        progress : callable
            Told now and then which share of the campaigns has been played.
        work, intervals : float, int, optional
            Seconds of training, and checkpoints, in place of the table's.

        Raises
        ------
        InputError, InfeasibleError
            If checkpoints follow faster than they can be written, or the work would practically never be done.
        """
        work = self.work_of(run_time, run_steps) if work is None else work
        campaign = self.campaign(work, intervals)
        self._check_size(campaign)
        expected = self.expected(work, campaign.intervals)
        outcomes = play(campaign, self.table.trials, self.seed, progress)
        spread = _spread(outcomes)
        return Reliability(
            work=work,
            run_time=run_time,
            expected_time=expected if self.exact else spread.mean,
            exact=self.exact,
            simulated=spread,
            failures=expected_failures(expected, self.system_mtbf) if self.exact else float(outcomes.failures.mean()),
            outages=float(outcomes.outages.mean()),
            lost=float(outcomes.lost.mean()),
            node_mtbf=self.mtbf,
            mtbf=self.system_mtbf,
            mtbf_source=self.source,
            critical=self.critical,
            replaceable=self.replaceable,
            spares=self.table.spare_nodes,
            checkpoints=self._checkpoints(campaign),
        )

    def _check_size(self, campaign: Campaign) -> None:
        """Refuse campaigns that are played all at once and would not fit in a machine's memory."""
        apart = campaign.replaceable + (campaign.spares or 0) + (campaign.critical if campaign.shape else 0)
        if apart * self.table.trials > _MOST_CLOCKS:
            raise InputError(
                f"{self.where}.trials: {self.table.trials:,} campaigns with {apart:,} nodes and spares that each have "
                f"times of their own are too many; expected at most {_MOST_CLOCKS:,} of them together"
            )

    def _checkpoints(self, campaign: Campaign) -> Checkpoints | None:
        if self.table.checkpoint == "none":
            return None
        rules = (young_interval, daly_interval, optimum_interval)
        young, daly, optimum = (
            (rule(self.stall, self.system_mtbf) for rule in rules) if self.critical else (math.inf,) * 3
        )
        interval = campaign.work / campaign.intervals
        return Checkpoints(self.size, interval, campaign.intervals, self.stall, self.drain, young, daly, optimum)


def _spread(outcomes: Outcomes) -> Spread:
    low, middle, high = (float(value) for value in np.percentile(outcomes.times, [5, 50, 95]))
    return Spread(len(outcomes.times), float(outcomes.times.mean()), outcomes.mean_error, low, middle, high)


def reliability_setup(resolved: ResolvedScenario) -> ReliabilitySetup | None:
    """What a scenario's ``[reliability]`` table means for it; None without one.

    Raises
    ------
    InputError
        If the profile does not say how often nodes fail, or the algorithm cannot go on without a worker.
    """
    table = resolved.scenario.tables.reliability
    if table is None:
        return None
    where = f"{resolved.scenario.where}: reliability"
    mtbf, source = node_mtbf(table, resolved.platform.system, resolved.scenario.where)
    masters = {place.node for place in resolved.master_places}
    nodes = {place.node for place in resolved.workers} | masters
    critical = masters if _goes_on(table, resolved, where) else nodes
    others = [worker for worker in resolved.workers if worker.node not in critical]
    replaceable = len({worker.node for worker in others})
    size, stall, drain = 0.0, 0.0, 0.0
    if table.checkpoint != "none":
        size = checkpoint_size(table, resolved.memory.parts())
        stall, drain = checkpoint_times(table, size, resolved)
    steps = None if table.steps is None else float(table.steps)
    if table.epochs is not None:
        steps = (
            table.epochs
            * resolved.dataset.samples
            / (resolved.scenario.tables.workload.batch_size * len(resolved.workers))
        )
    return ReliabilitySetup(
        table=table,
        where=where,
        mtbf=mtbf,
        source=source,
        critical=len(critical),
        replaceable=replaceable,
        share=len(others) / len(resolved.workers) / replaceable if replaceable else 0.0,
        size=size,
        stall=stall,
        drain=drain,
        work=None if table.work is None else seconds(table.work),
        steps=steps,
        seed=resolved.scenario.tables.simulation.seed,
    )


def _goes_on(table: ReliabilityTable, resolved: ResolvedScenario, where: str) -> bool:
    """Whether the run goes on without a worker's node."""
    algorithm = resolved.algorithm
    if table.on_failure == "continue" and algorithm.collectives:
        raise InputError(
            f"{where}.on_failure: every worker of {algorithm.name} waits for all others in its collectives; "
            "expected 'restart'"
        )
    if table.on_failure is None:
        return algorithm.server is not None and not algorithm.collectives
    return table.on_failure == "continue"
