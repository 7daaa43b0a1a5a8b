"""The formula of a message in calibration parameters, read off the platform that would carry it.

Overheads and latencies of a route are sums, so a parameter of one second more makes the route so many seconds longer as
the parameter counts in it; a link whose rate doubles with a parameter is one that the parameter holds for. So what a
parameter means is written down once, where the platform is built, and not again here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import inf

from simulator.calibration.applied import Calibration
from simulator.calibration.closed_form import ClosedForm
from simulator.calibration.parameters import parameter_kind
from simulator.platform import Platform, Route

__all__ = ["MessageForms"]


class MessageForms:
    """Formulas of messages on one platform.

    Parameters
    ----------
    platform : Platform
        Without corrections.
    names : collection of str
        The parameters that are fitted.
    """

    def __init__(self, platform: Platform, names: Collection[str]) -> None:
        kinds = {name: parameter_kind(name) for name in names}
        times = [name for name, kind in kinds.items() if kind.group in ("network", "overhead") and kind.unit == "s"]
        rates = [name for name, kind in kinds.items() if kind.group == "network" and kind.unit == ""]
        zero = dict.fromkeys(times, 0.0)
        self._load_fixed = "load.fixed" in kinds
        self._plain = platform
        self._without = self._corrected(zero)
        self._one = {name: self._corrected({**zero, name: 1.0}) for name in times}
        neutral = dict.fromkeys(rates, 1.0)
        self._double = {name: self._corrected({**zero, **neutral, name: 2.0}) for name in rates}

    def form(
        self,
        source: str,
        target: str,
        size: float,
        counts: Sequence[float] = (),
        batch: bool = False,
        announces: bool = False,
    ) -> ClosedForm:
        """The formula of a message of `size` bytes from device to device.

        Parameters
        ----------
        counts : sequence of float
            Its company on each link of its route (see `simulator.calibration.flows`); alone if left out.
        batch : bool
            Whether it is the loading of a batch, which has a fixed part of its own.
        announces : bool
            Whether a header precedes it, where that takes time.
        """

        def route_on(platform: Platform) -> Route:
            route = platform.route(source, target)
            return route.announced if announces else route

        plain = route_on(self._without)
        constant = plain.overhead + plain.latency
        coefficients = {"load.fixed": 1.0} if batch and self._load_fixed else {}
        for name, platform in self._one.items():
            route = route_on(platform)
            coefficient = route.overhead + route.latency - constant
            if coefficient > 0.5:
                coefficients[name] = float(round(coefficient))
        doubled = {name: platform.route(source, target) for name, platform in self._double.items()}
        works = set()
        for place, (link, count) in enumerate(zip(plain.links, counts or [1.0] * len(plain.links), strict=True)):
            name = next((n for n, r in doubled.items() if r.links[place].bandwidth > 1.5 * link.bandwidth), "")
            works.add((name, size * count / link.bandwidth))
        if plain.rate_cap < inf:
            name = next((n for n, r in doubled.items() if r.rate_cap > 1.5 * plain.rate_cap), "")
            works.add((name, size / plain.rate_cap))
        return ClosedForm(constant, coefficients, tuple(sorted(works)))

    def _corrected(self, values: Mapping[str, float]) -> Platform:
        return self._plain.corrected(Calibration(values).platform)
