"""What a user sees of a probe: every number with its uncertainty, and how far fits are off; the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simulator.probe.check import GradientCheck
from simulator.probe.measurement import Measurement
from simulator.probe.timing import Measured
from simulator.units import format_quantity

__all__ = ["PROBE_SCHEMA", "probe_document", "probe_view"]

PROBE_SCHEMA = "clustersim/probe/1"
_DISTURBED = 0.2  #: share of disturbed samples from which a measurement ought to be repeated
_TAKEN_FROM_OTHERS = 1.1  #: work of more processes than cores, over that of as many, that only others' shares explain


def _quantities(found: Measurement) -> Iterator[tuple[str, Measured, str]]:
    """(what, number, dimension) of everything with an uncertainty."""
    cores, count = found.cores, found.machine.cores
    for precision, peak in found.peaks.items():
        yield f"{precision} products, one core", peak, "rate"
    yield "smallest product", found.call, "time"
    yield "memory bandwidth, one core", cores.core_stream, "bandwidth"
    yield f"memory bandwidth, {count} cores", cores.all_stream, "bandwidth"
    yield "copies, one core", cores.core_copy, "bandwidth"
    yield f"copies, {count} cores", cores.all_copy, "bandwidth"
    yield f"work of {count} cores over one", cores.together, "number"
    yield f"work of {2 * count} processes over {count}", cores.oversubscribed, "number"
    yield f"work of {count} threads of a process over one", cores.threads, "number"
    yield "time slice of a process", cores.time_slice, "time"
    yield "idle core, until it takes a waiting process", cores.balance_delay, "time"
    if found.message_fit is not None:
        yield "message: overhead", found.message_fit.latency, "time"
        yield "message: bandwidth", found.message_fit.bandwidth, "bandwidth"


def probe_view(found: Measurement, checks: Sequence[GradientCheck], path: str) -> RenderableType:
    """The tables."""
    machine = found.machine
    heading = Text(f"{machine.processor}, {machine.cores} cores, {format_quantity(machine.memory, 'size')}", "bold")
    numbers = Table(title="measured", title_justify="left")
    for name, justify in (("quantity", "left"), ("value", "right"), ("± std", "right"), ("samples", "right")):
        numbers.add_column(name, justify=justify)  # type: ignore[arg-type]
    for what, number, dimension in _quantities(found):
        value, std = (format_quantity(part, dimension) for part in (number.value, number.std))
        numbers.add_row(what, value, std, str(number.samples))
    parts: list[RenderableType] = [heading, numbers]
    if found.messages is not None and found.message_fit is not None:
        parts.append(_messages(found))
    parts += [_fits(found), _checks(checks)]
    if found.messages is None:
        parts.append(
            Text("Messages were not measured: their overhead and bandwidth in the profile are assumed.", "yellow")
        )
    if found.disturbed > _DISTURBED or found.cores.oversubscribed.value > _TAKEN_FROM_OTHERS:
        parts.append(Text("Other processes were using the cores; measure again when the machine is quiet.", "yellow"))
    parts.append(Text(f'system profile: {path}  (cluster.system = "{path}")'))
    return Group(*parts)


def _messages(found: Measurement) -> Table:
    assert found.messages is not None
    assert found.message_fit is not None
    waiting = f"waiting takes {found.messages.waiting:.0%} of a core"
    title = f"messages between two processes ({found.messages.library}); {waiting}"
    table = Table(title=title, title_justify="left")
    for name in ("size", "after a wait", "± std", "at once", "fit"):
        table.add_column(name, justify="right")
    for time, (_, error) in zip(found.messages.times, found.message_fit.errors, strict=True):
        table.add_row(
            format_quantity(time.size, "size"),
            format_quantity(time.seconds.value, "time"),
            format_quantity(time.seconds.std, "time"),
            format_quantity(time.prompt.value, "time"),
            f"{error:+.0%}",
        )
    return table


def _fits(found: Measurement) -> Table:
    table = Table(title="kernel models: errors on kernels that the fit has not seen", title_justify="left")
    for name, justify in (("kernels", "left"), ("measured", "right"), ("median", "right"), ("90 %", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    fits = {"matrix products": found.fits.gemm}
    fits |= {f"convolutions, {name.value.replace('_', ' ')}": fit for name, fit in found.fits.convolution.items()}
    for name, fit in fits.items():
        table.add_row(name, str(fit.rows), f"{fit.median:.1%}", f"{fit.p90:.1%}")
    return table


def _checks(checks: Sequence[GradientCheck]) -> Table:
    table = Table(title="whole gradients by this profile (none was fitted)", title_justify="left")
    for name, justify in (("learner", "left"), ("batch", "right"), ("predicted", "right"), ("measured", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("error", justify="right")
    for check in checks:
        predicted, measured = (format_quantity(x, "time") for x in (check.predicted, check.measured.value))
        table.add_row(check.learner, str(check.batch), predicted, measured, f"{check.error:+.0%}")
    return table


def probe_document(found: Measurement, checks: Sequence[GradientCheck], path: str) -> dict[str, Any]:
    """Everything in SI, for ``--json``."""
    sent, fit = found.messages, found.message_fit
    fits = {"gemm": found.fits.gemm, **{name.value: each for name, each in found.fits.convolution.items()}}
    return {
        "schema": PROBE_SCHEMA,
        "system": path,
        "quick": found.quick,
        "processor": found.machine.processor,
        "cores": found.machine.cores,
        "disturbed": found.disturbed,
        "measured": {
            what: {"value": number.value, "std": number.std, "dimension": dimension, "samples": number.samples}
            for what, number, dimension in _quantities(found)
        },
        "messages": None
        if sent is None or fit is None
        else {
            "library": sent.library,
            "waiting_cores": sent.waiting,
            "shortest_sleep_s": sent.shortest_sleep,
            "times": [
                {
                    "bytes": time.size,
                    "time_s": time.seconds.value,
                    "std_s": time.seconds.std,
                    "at_once_s": time.prompt.value,
                    "fit_error": error,
                }
                for time, (_, error) in zip(sent.times, fit.errors, strict=True)
            ],
        },
        "fits": {
            name: {"rows": each.rows, "median_error": each.median, "p90_error": each.p90} for name, each in fits.items()
        },
        "gradients": [
            {
                "learner": check.learner,
                "batch": check.batch,
                "predicted_s": check.predicted,
                "measured_s": check.measured.value,
                "error": check.error,
            }
            for check in checks
        ],
    }
