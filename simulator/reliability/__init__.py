"""Time beyond the ideal: nodes that fail, checkpoints that are written, work that is lost and done again.

A simulated run is one in which nothing breaks. Here it is taken as the work of a campaign, in seconds of training
without failures, and what failures and checkpoints add to it is found twice: in closed form where there is one
(`expected`, `intervals`), and by playing thousands of campaigns failure by failure (`campaign`). `assessment` does both
for a scenario with a ``[reliability]`` table. The model, its regime and its sources are described in
``docs/reliability.md``.
"""

from simulator.reliability.campaign import Campaign, Outcomes, play
from simulator.reliability.expected import expected_time
from simulator.reliability.intervals import daly_interval, optimum_interval, young_interval
from simulator.reliability.table import ReliabilityTable

__all__ = [
    "Campaign",
    "Outcomes",
    "ReliabilityTable",
    "daly_interval",
    "expected_time",
    "optimum_interval",
    "play",
    "young_interval",
]
