"""What the comparison with SimGrid finds: a check for every case, a verdict for every family of cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import inf, nan
from pathlib import Path

from simulator.errors import RunError
from validation.checks import Check, Findings, Progress, Verdict
from validation.peers.collectives import all_reduce_cases
from validation.peers.comparison import Comparison, compare
from validation.peers.experiment import Case, latest
from validation.peers.flow_sets import flow_cases
from validation.peers.settings import settings_table
from validation.peers.simgrid_process import CONFIGURATION, HOW_TO_INSTALL, SimGrid, find_simgrid
from validation.peers.training_jobs import training_cases

__all__ = ["ALLOWED", "findings", "peer_cases"]

#: Largest relative difference that passes.
ALLOWED = 1e-6

#: After so many failures of SimGrid the rest would fail as well.
_PATIENCE = 3

_TITLE = "Network model against SimGrid"
_SETTINGS = "SimGrid's settings"

_INTRODUCTION = """\
Made by `python -m validation.peers > validation/peers/README.md` with SimGrid {version}. Measured is what SimGrid
says, predicted what our fluid network says; times are those of the last arrival. Nothing is fitted.

SimGrid is told the platform and what every actor does; it has the engine, the meeting of sends with receives, the locks
and the sharing of links. The all-reduces are our schedules, message by message, on a star with adapters of 10 GB/s and
1 µs, one rank a host or four that share its adapter and memory; additions take no time. The parameter servers are the
bundled algorithms, whose generators are asked for their operations: gradients and updates are written down as sleeps,
updates of shared weights as flows through the server's memory. The random flows are drawn from the seeds 0 to 2.

SimGrid is configured as plain max-min sharing:
{configuration}.
"""

_SETTINGS_TEXT = """\
The largest difference of a message under other settings of SimGrid, over the random flows on two bundled systems and
the all-reduce that SimGrid's rounding of times disturbs most:

{table}

What the lazy update is off by comes from `surf/precision` (`precision/timing` in later versions), by default 1e-9 s:
with 1e-15 s both ways of updating give the same times. `maxmin/precision` can stay as it is.
"""

_REASONS = """\
Where the two models differ on purpose, and what the comparison does about it:

- *Latency and fairness.* SimGrid weights a flow by 1 / latency of its route, as long-lived TCP connections share a
  link, also where `network/weight-S` is 0. Our model has no weights. On the star all routes that meet have
  one latency, so their weights are equal and the latency is in SimGrid's links. For the random flows it is a delay
  before the flow; the section on sharing by latency shows, for one set, the flow that differs most where it is not.
- *Limits on a flow's rate.* With `network/TCP-gamma` 0 SimGrid 3.32 ignores the rate set on a communication that has
  latency, so a limited flow crosses a link of its own there.
- *Who is first of equals.* Under a lock, workers that arrive at the same instant may be served in any order; only
  staggered workers are compared there.
- *Sizes* are whole bytes: SimGrid's Python interface has no others.
"""


def findings(
    reference: Path | None = None,
    progress: Progress = lambda what, share: None,
    interpreter: str | None = None,
    cases: Sequence[Case] | None = None,
) -> Findings:
    """Compare with SimGrid; what is missing says how to install it where it is not.

    Parameters
    ----------
    reference : Path, optional
        Not used: SimGrid is measured on the spot.
    progress : callable
        Told each case.
    interpreter : str, optional
        A Python that has SimGrid; looked for if left out, see `find_simgrid`.
    cases : sequence of Case, optional
        All of `peer_cases` if left out.

    Raises
    ------
    InputError
        If an interpreter was named that has no SimGrid.
    RunError
        If SimGrid fails again and again.
    """
    simgrid = find_simgrid(interpreter)
    if simgrid is None:
        return Findings("peers", _TITLE, missing=HOW_TO_INSTALL)
    cases = peer_cases() if cases is None else cases
    checks: list[Check] = []
    differences: defaultdict[str, list[float]] = defaultdict(list)
    failures = 0
    for place, case in enumerate(cases):
        progress(case.name, place / (len(cases) + 1))
        check, comparison = _judge(case, simgrid)
        checks.append(check)
        if comparison is None:
            failures += 1
            if failures == _PATIENCE:
                raise RunError(f"SimGrid {simgrid.version} at {simgrid.python} failed {failures} times; {check.note}")
        if case.judged:
            differences[case.section].append(comparison.difference if comparison else inf)
    progress(_SETTINGS, len(cases) / (len(cases) + 1))
    return Findings(
        part="peers",
        title=_TITLE,
        introduction=_introduction(simgrid),
        checks=checks,
        verdicts=[_verdict(section, values) for section, values in differences.items()],
        reasons=_REASONS,
        sections=_sections(simgrid, _disturbed(cases)),
    )


def peer_cases() -> list[Case]:
    """Every case: all-reduces, training jobs, random flows."""
    cases = [*all_reduce_cases(), *training_cases(), *flow_cases()]
    order = list(dict.fromkeys(case.section for case in cases))
    return sorted(cases, key=lambda case: order.index(case.section))


def _judge(case: Case, simgrid: SimGrid) -> tuple[Check, Comparison | None]:
    """The row of a case; without a comparison, and failing, if SimGrid gave no answer."""
    experiment, ours = case.prepare()
    allowed = ALLOWED if case.judged else None
    try:
        comparison = compare(ours, simgrid.play(experiment))
    except RunError as error:
        row = Check(case.section, case.name, latest(ours), nan, "s", ALLOWED, series=case.series, note=str(error))
        return row, None
    predicted, measured = (comparison.predicted, comparison.measured) if case.judged else comparison.worst
    return Check(
        case.section, case.name, predicted, measured, "s", allowed, "", False, case.series, case.note
    ), comparison


def _verdict(section: str, differences: Sequence[float]) -> Verdict:
    return Verdict(
        section,
        "largest difference of a message's start or arrival, relative to the time it takes",
        max(differences),
        ALLOWED,
        unit="",
    )


def _introduction(simgrid: SimGrid) -> str:
    configuration = ", ".join(f"`{key}:{value}`" for key, value in CONFIGURATION.items())
    return _INTRODUCTION.format(version=simgrid.version, configuration=configuration)


def _sections(simgrid: SimGrid, cases: Sequence[Case]) -> dict[str, str]:
    return {_SETTINGS: _SETTINGS_TEXT.format(table=settings_table(simgrid, cases))} if cases else {}


def _disturbed(cases: Sequence[Case]) -> list[Case]:
    """Cases that show what SimGrid's settings do."""
    return [
        case
        for case in cases
        if case.series.startswith(("dgx1-v100", "cori-knl")) or case.name == "rabenseifner, 1 kB, 64 ranks"
    ]
