"""The measured devices: their rates (``devices.toml`` beside this file) and how each is fitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.cost.kernel_document import RatesTable
from simulator.cost.rates import DeviceRates, Family
from simulator.documents import Document, read_toml, validate
from simulator.errors import UnknownNameError

__all__ = ["MeasuredDevice", "measured_devices"]

_FILE = Path(__file__).with_name("devices.toml")


class MeasuredDevice(Document):
    """One table of ``devices.toml``."""

    label: str
    family: Family
    description: str
    #: Products with at most this many columns go to kernels of their own that are slower than those for more columns.
    narrow_columns: int = 0
    rates: RatesTable

    def device_rates(self, name: str) -> DeviceRates:
        """The rates, in SI."""
        return self.rates.build(name, self.family)


def measured_devices(*names: str) -> dict[str, tuple[MeasuredDevice, dict[str, Any]]]:
    """Devices by name, each with the text of its ``[rates]`` table; all of them when no name is given.

    Raises
    ------
    UnknownNameError
        If a name is not in ``devices.toml``.
    """
    tables = read_toml(_FILE)
    for name in names:
        if name not in tables:
            raise UnknownNameError("measured device", name, tables, where=str(_FILE))
    return {
        name: (validate(tables[name], MeasuredDevice, f"{_FILE}: {name}"), tables[name]["rates"])
        for name in names or tables
    }
