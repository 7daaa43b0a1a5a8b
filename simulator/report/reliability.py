"""Time with failures and checkpoints for people: lines of a run's table, the table of a sweep, and plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.units import format_quantity

if TYPE_CHECKING:
    from simulator.reliability.outcome import Reliability

__all__ = ["reliability_rows"]


def _time(value: float, digits: int = 3) -> str:
    return format_quantity(value, "time", digits)


def reliability_rows(found: Reliability | None) -> list[tuple[str, str]]:
    """Label and text of each line; none without a ``[reliability]`` table."""
    if found is None:
        return []
    played = found.simulated
    runs = "" if abs(found.scale - 1.0) < 1e-9 else f", {found.scale:,.4g} times the run's"
    method = "closed form" if found.exact else f"mean of {played.trials:,} simulated"
    rows = [
        (
            "with failures",
            f"{_time(found.expected_time, 4)} expected ({method}; 5 to 95 %: {_time(played.p5, 4)} – "
            f"{_time(played.p95, 4)}) for {_time(found.work, 4)} of training{runs}: {found.efficiency:.1%} efficient",
        ),
        ("failures", _failures(found)),
    ]
    kept = found.checkpoints
    if kept is None:
        rows.append(("checkpoints", "none: a failure starts the work over"))
        return rows
    safe = f", safe {_time(kept.drain)} later" if kept.drain else ""
    optimum = f"; Young/Daly optimum {_time(kept.daly)}" if found.critical else ""
    rows.append(
        (
            "checkpoints",
            f"{format_quantity(kept.size, 'size')} every {_time(kept.interval)} of training, "
            f"which stops {_time(kept.stall)} for it{safe}{optimum}",
        )
    )
    return rows


def _failures(found: Reliability) -> str:
    nodes = f"{found.critical} node{'s' if found.critical != 1 else ''}"
    text = f"{found.failures:,.3g} that stop the run"
    if found.critical:
        text += f", one every {_time(found.mtbf)} of {nodes}, and {_time(found.lost)} of training lost"
    if found.replaceable:
        text += f"; {found.outages:,.3g} that the others go on without, of {found.replaceable} nodes"
    return f"{text} (a node: {_time(found.node_mtbf)}, {found.mtbf_source})"
