"""Networks by name, by file, or by totals.

``load_network`` takes

- a name from `network_names`;
- a path that ends in ``.toml``: your own network, see `simulator.workload.description` for the format;
- ``synthetic:parameters=P,flops=F[,layers=N]``: one known only by its totals, see `simulator.workload.synthetic`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import cast

from simulator.errors import UnknownNameError
from simulator.workload.network import Network

__all__ = ["load_network", "network_names"]

#: Name to (module of `simulator.workload.networks`, function): a module is imported when its network is asked for.
_NETWORKS = MappingProxyType(
    {
        "lenet": ("lenet", "lenet"),
        "alexnet": ("alexnet", "alexnet"),
        "alexnet-grouped": ("alexnet", "alexnet_grouped"),
    }
)


def network_names() -> list[str]:
    """Names `load_network` knows, sorted."""
    return sorted(_NETWORKS)


def load_network(name: str) -> Network:
    """The network of that name, file or totals.

    Raises
    ------
    UnknownNameError
        If there is no such network; the text offers the nearest name.
    InputError
        If the file or the totals are wrong.
    """
    if name.endswith(".toml"):
        from simulator.workload.description import read_network

        return read_network(Path(name))
    if name.startswith("synthetic:"):
        from simulator.workload.synthetic import parse_synthetic_network

        return parse_synthetic_network(name)
    if name not in _NETWORKS:
        raise UnknownNameError("network", name, _NETWORKS)
    module, function = _NETWORKS[name]
    build = getattr(importlib.import_module(f"simulator.workload.networks.{module}"), function)
    return cast(Callable[[], Network], build)()
