"""The whole probe: everything measured in order, with a time limit on each part, and the kernel models fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.cost.elementwise import StreamTable
from simulator.cost.rates import DeviceRates
from simulator.learning.allocation import keep_freed_memory
from simulator.learning.threads import one_thread
from simulator.probe.convolutions import convolutions, passes
from simulator.probe.cores import Cores, measure_cores
from simulator.probe.elementwise import stream_tables, streams
from simulator.probe.fits import KernelFits, fit_kernels
from simulator.probe.machine import Machine, this_machine
from simulator.probe.messages import MessageFit, Messages, fit_messages
from simulator.probe.products import largest_product, products, smallest_product, timed_products
from simulator.probe.timing import Measured, time_in_turn

__all__ = ["FULL", "QUICK", "Effort", "Measurement", "core_rates", "measure"]


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes
    ----------
    quick : bool
        Fewer shapes and sizes.
    rounds : int
        Samples of each kernel.
    kernel_seconds : float
        Time limit on the kernels of one kind [s].
    core_rounds, core_seconds
        Rounds of busy processes, and how long each turn of a round is [s].
    message_rounds : int
        Samples of each size of message.
    folds : int
        Parts in which kernels are left out of the fits, to see how far those are off.
    """

    quick: bool
    rounds: int
    kernel_seconds: float
    core_rounds: int
    core_seconds: float
    message_rounds: int
    folds: int


FULL = Effort(False, rounds=25, kernel_seconds=7.0, core_rounds=5, core_seconds=0.25, message_rounds=40, folds=4)
QUICK = Effort(True, rounds=7, kernel_seconds=1.2, core_rounds=2, core_seconds=0.1, message_rounds=6, folds=2)

_SIDE = 768  #: of the matrices whose product shows the peak


@dataclass(frozen=True)
class Measurement:
    """What was found.

    Attributes
    ----------
    machine : Machine
    peaks : dict of str to Measured
        Arithmetic of one core [FLOP/s] by precision: the fastest product.
    call : Measured
        Time of the smallest product [s]: what every call takes.
    cores : Cores
    tables : dict of str to StreamTable
        Times of elementwise kernels.
    fits : KernelFits
    messages : Messages or None
    message_fit : MessageFit or None
        None where messages were not measured.
    disturbed : float
        Share of the kernels' samples that something else disturbed.
    quick : bool
    """

    machine: Machine
    peaks: dict[str, Measured]
    call: Measured
    cores: Cores
    tables: dict[str, StreamTable]
    fits: KernelFits
    messages: Messages | None
    message_fit: MessageFit | None
    disturbed: float
    quick: bool


def core_rates(machine: Machine, peaks: dict[str, Measured], call: Measured, cores: Cores) -> DeviceRates:
    """One core as the kernel models see it."""
    return DeviceRates(
        name="core",
        family="cpu",
        units=1.0,
        clock=machine.clock or 2e9,
        peak={precision: peak.value for precision, peak in peaks.items()},
        bandwidth=cores.core_stream.value,
        launch_overhead=call.value,
        cache_size=machine.cache,
    )


def measure(
    effort: Effort,
    messages: Callable[[int, Callable[[float], None]], Messages] | None = None,
    progress: Callable[[str, float], None] = lambda what, share: None,
) -> Measurement:
    """Measure this machine.

    Parameters
    ----------
    effort : Effort
    messages : callable, optional
        Called with a number of rounds and somewhere to report progress, measures messages between two processes.
        Without it they are not measured.
    progress : callable
        Told what is being measured, and the share of the whole that is done.

    Raises
    ------
    RunError
        If a process that takes part fails or hangs.
    """
    keep_freed_memory()
    machine = this_machine()
    found: list[Measured] = []

    def timed(works: dict[Any, Callable[[], object]], what: str, begin: float, end: float) -> dict[Any, Measured]:
        times = time_in_turn(
            works, effort.rounds, effort.kernel_seconds, lambda share: progress(what, begin + share * (end - begin))
        )
        found.extend(times.values())
        return times

    with one_thread():
        peaks, call, fastest = _rates(timed)
        tables = stream_tables(timed(streams(effort.quick), "updates and activations", 0.05, 0.2))
        gemms = timed_products(timed(products(effort.quick), "matrix products", 0.2, 0.3), tables)
        rows = passes(timed(convolutions(effort.quick), "convolutions", 0.3, 0.45), tables)
    # The peak bounds every kernel, so it is that of the fastest of all.
    best = max(gemms, key=lambda row: row.kernel.flops / row.seconds)
    peak = max(fastest, best.kernel.flops / best.seconds)
    peaks["fp64"] = Measured(peak, peaks["fp64"].std, peaks["fp64"].samples, peaks["fp64"].disturbed)
    cores = measure_cores(
        machine.cores,
        effort.core_rounds,
        effort.core_seconds,
        lambda share: progress("all cores at once", 0.45 + 0.25 * share),
    )
    sent = None
    if messages is not None:
        sent = messages(effort.message_rounds, lambda share: progress("messages", 0.7 + 0.25 * share))
    progress("fitting", 0.95)
    fits = fit_kernels(gemms, rows, core_rates(machine, peaks, call, cores), effort.folds)
    return Measurement(
        machine=machine,
        peaks=peaks,
        call=call,
        cores=cores,
        tables=tables,
        fits=fits,
        messages=sent,
        message_fit=None if sent is None else fit_messages(sent.times),
        disturbed=sum(one.disturbed for one in found) / sum(one.samples for one in found),
        quick=effort.quick,
    )


def _rates(timed: Callable[..., dict[Any, Measured]]) -> tuple[dict[str, Measured], Measured, float]:
    """Peaks by precision, the time of a call, and the fastest fp64 rate that was seen."""
    flops, double = largest_product(np.float64, _SIDE)
    _, single = largest_product(np.float32, _SIDE)
    times = timed({"fp64": double, "fp32": single, "call": smallest_product()}, "peak arithmetic", 0.0, 0.05)
    peaks = {precision: times[precision].inverse(flops) for precision in ("fp64", "fp32")}
    return peaks, times["call"], peaks["fp64"].value
