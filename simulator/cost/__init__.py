"""How long a piece of arithmetic takes on a device."""

from simulator.cost.kernel_model import KernelModel, kernel_model_names, load_kernel_model
from simulator.cost.rates import DeviceRates

__all__ = ["DeviceRates", "KernelModel", "kernel_model_names", "load_kernel_model"]
