"""What every network model offers, and the models by name."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Protocol

import simpy

from simulator.errors import UnknownNameError
from simulator.network.accounts import NetworkCounters, ResourceUse
from simulator.platform.links import Route

__all__ = ["Network", "NetworkFactory", "check_size", "network_model", "network_models"]


class Network(Protocol):
    """Carries messages over routes in virtual time."""

    counters: NetworkCounters

    def transfer(self, route: Route, size: float) -> simpy.Event:
        """Start a message now.

        Parameters
        ----------
        route : Route
            Its path; pass the same object for the same path, as accounts are kept for each.
        size : float
            Bytes, >= 0 and finite.

        Returns
        -------
        simpy.Event
            Succeeds (with no value to rely on) when the last byte has arrived.

        Raises
        ------
        ValueError
            If `size` is negative, infinite or not a number.
        """
        ...

    def traffic(self) -> dict[str, float]:
        """Bytes sent so far by link medium; a message counts on every link of its route."""
        ...

    def uses(self) -> list[ResourceUse]:
        """Use of every resource so far, the one with the most seconds of work first."""
        ...


class NetworkFactory(Protocol):
    """A network model: called with the environment, gives a network; `description` says in one line what it assumes."""

    description: str

    def __call__(self, env: simpy.Environment) -> Network:
        """A network without any traffic yet."""
        ...


def network_models() -> Mapping[str, NetworkFactory]:
    """Every network model by the name that scenarios use."""
    from simulator.network.alpha_beta import AlphaBetaNetwork
    from simulator.network.fluid import FluidNetwork

    return {"fluid": FluidNetwork, "alpha-beta": AlphaBetaNetwork}


def network_model(name: str, where: str = "") -> NetworkFactory:
    """The network model of that name.

    Raises
    ------
    UnknownNameError
        If there is none; `where` (file and key) opens the message.
    """
    models = network_models()
    if name not in models:
        raise UnknownNameError("network model", name, models, where)
    return models[name]


def check_size(size: float) -> None:
    """Refuse what cannot be the size of a message."""
    if not 0.0 <= size < inf:
        raise ValueError(f"the size of a message must be finite and not negative, got {size!r} bytes")
