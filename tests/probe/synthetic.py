"""A measurement of a machine that is known, without measuring anything."""

from functools import cache

from simulator.cost.elementwise import StreamTable
from simulator.cost.rates import DeviceRates
from simulator.probe.convolutions import TimedConvolution, convolutions
from simulator.probe.cores import Cores
from simulator.probe.fits import fit_kernels
from simulator.probe.machine import Machine
from simulator.probe.measurement import Measurement
from simulator.probe.messages import Messages, MessageTime, fit_messages
from simulator.probe.products import TimedGemm, products, timed_products
from simulator.probe.timing import Measured
from simulator.workload.kernels import Pass

CORE = DeviceRates("core", "cpu", 1.0, 2e9, {"fp64": 50e9, "fp32": 100e9}, 10e9, 1e-6, 32e6)
KERNELS = ("update", "copy", "relu", "relu_gradient", "max_pool", "max_pool_gradient", "bias", "bias_gradient")
LOSS = ("softmax_loss", "softmax_loss_gradient")


def seconds(kernel) -> float:
    """A microsecond, then half of the peak, or the memory's rate if that takes longer."""
    return 1e-6 + max(kernel.flops / 25e9, kernel.bytes_moved(8) / 10e9)


@cache
def kernel_fits():
    """Fits to all kernels of the quick probe."""
    no_bias = dict.fromkeys(("bias", "bias_gradient"), StreamTable((1.0, 1e9), (1e-12, 1e-12)))
    rows_of_products = timed_products(dict.fromkeys(products(True), Measured(1.0, 0.0)), no_bias)
    gemms = [TimedGemm(row.kernel, seconds(row.kernel)) for row in rows_of_products]
    cases = sorted({case for case in convolutions(False) if case.part == "forward"}, key=repr)
    rows = {
        direction: [TimedConvolution(kernel, seconds(kernel)) for kernel in (case.kernel(direction) for case in cases)]
        for direction in Pass
    }
    return fit_kernels(gemms, rows, CORE, folds=2)


def measurement(cores: int = 2, messages: bool = True) -> Measurement:
    """A machine of round numbers: 50 GFLOP/s and 10 GB/s a core, 100 us and 5 GB/s a message."""
    table = StreamTable((1e3, 1e7), (2e-6, 2e-6 + 1e7 / 10e9))
    times = tuple(
        MessageTime(size, Measured(1e-4 + size / 5e9, 1e-6, 9), Measured(3e-5, 1e-6, 9))
        for size in (8, 1024, 65536, 2**20, 2**23)
    )
    rate, all_rate = Measured(10e9, 1e8, 5), Measured(9e9 * cores, 1e8, 5)
    return Measurement(
        machine=Machine("Round CPU", "Nobody", cores, 1, 16e9, 32e6, 2e9),
        peaks={"fp64": Measured(50e9, 1e8, 5), "fp32": Measured(100e9, 1e8, 5)},
        call=Measured(1e-6, 1e-8, 5),
        cores=Cores(
            together=Measured(0.95 * cores, 0.01, 5),
            oversubscribed=Measured(0.98, 0.01, 5),
            threads=Measured(1.3, 0.1, 5),
            core_stream=rate,
            all_stream=all_rate,
            core_copy=rate.scaled(0.5),
            all_copy=all_rate.scaled(0.5),
            small_copy=rate,
            time_slice=Measured(4e-3, 1e-5, 5),
            balance_delay=Measured(12e-3, 1e-3, 15),
        ),
        tables=dict.fromkeys((*KERNELS, *LOSS), table),
        fits=kernel_fits(),
        messages=Messages(times, Measured(5e-5, 1e-6, 5), 0.1, 4e-5, "MPI of a test") if messages else None,
        message_fit=fit_messages(times) if messages else None,
        disturbed=0.05,
        quick=True,
    )
