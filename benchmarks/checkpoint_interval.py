"""Checkpoint intervals by rule beside the best of simulated campaigns: `python -m benchmarks.checkpoint_interval`.

Times are in units of the mean time between failures, so the grid is one of ratios: how long a checkpoint takes and how
long a restart. Campaigns of every interval see the same failures, which leaves little luck in their differences.
"""

from __future__ import annotations

import itertools

import numpy as np
from rich.console import Console
from rich.table import Table

from simulator.reliability import Campaign, daly_interval, expected_time, optimum_interval, play, young_interval

WORK, CAMPAIGNS, SEED = 50.0, 2000, 11
STALLS = (0.0003, 0.003, 0.03, 0.1, 0.3)
RESTARTS = (0.01, 0.3)


def mean_time(intervals: int, stall: float, restart: float) -> float:
    """Of the campaigns with so many checkpoints."""
    campaign = Campaign(WORK, intervals, stall, 0.0, restart, 1.0, critical=1)
    return float(play(campaign, CAMPAIGNS, SEED).times.mean())


def main() -> None:
    """Print a row for each ratio."""
    table = Table(title=f"in mean times between failures; {WORK:g} of work, {CAMPAIGNS:,} campaigns an interval")
    for name in (
        "checkpoint",
        "restart",
        "best simulated",
        "exact",
        "Young",
        "Daly",
        "Young costs",
        "Daly costs",
        "form",
    ):
        table.add_column(name, justify="right")
    for stall, restart in itertools.product(STALLS, RESTARTS):
        best = optimum_interval(stall, 1.0)
        counts = sorted({max(1, round(WORK / (best * factor))) for factor in np.geomspace(0.5, 2.0, 25)})
        times = {count: mean_time(count, stall, restart) for count in counts}
        least = min(times, key=lambda count: times[count])
        rules = [rule(stall, 1.0) for rule in (young_interval, daly_interval)]
        costs = [mean_time(max(1, round(WORK / rule)), stall, restart) / times[least] - 1.0 for rule in rules]
        form = max(abs(expected_time(WORK, n, stall, restart, 1.0) / time - 1.0) for n, time in times.items())
        numbers = (stall, restart, WORK / least, best, *rules)
        table.add_row(*(f"{number:.4g}" for number in numbers), *(f"{cost:.2%}" for cost in (*costs, form)))
    table.caption = "costs = mean time beyond that of the best interval; form = most by which the closed form is off"
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
