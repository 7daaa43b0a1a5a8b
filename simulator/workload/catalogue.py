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

from simulator.errors import UnknownNameError
from simulator.workload.network import Network

__all__ = ["load_network", "network_names"]

#: Name to (module of `simulator.workload.networks`, function): a module is imported when its network is asked for.
_NETWORKS = MappingProxyType(
    {
        "alexnet": ("alexnet", "alexnet"),
        "alexnet-grouped": ("alexnet", "alexnet_grouped"),
        "bert-base": ("bert", "bert_base"),
        "bert-base-512": ("bert", "bert_base_512"),
        "bert-large": ("bert", "bert_large"),
        "bert-large-512": ("bert", "bert_large_512"),
        "cifar10-quick": ("cifar10_quick", "cifar10_quick"),
        "googlenet": ("googlenet", "googlenet"),
        "googlenet-aux": ("googlenet", "googlenet_aux"),
        "inception-v3": ("inception_v3", "inception_v3"),
        "inception-v3-aux": ("inception_v3", "inception_v3_aux"),
        "lenet": ("lenet", "lenet"),
        "resnet-18": ("resnet", "resnet_18"),
        "resnet-34": ("resnet", "resnet_34"),
        "resnet-50": ("resnet", "resnet_50"),
        "resnet-50-v1": ("resnet", "resnet_50_v1"),
        "resnet-101": ("resnet", "resnet_101"),
        "resnet-152": ("resnet", "resnet_152"),
        "vgg-16": ("vgg", "vgg_16"),
        "vgg-19": ("vgg", "vgg_19"),
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
    build: Callable[[], Network] = getattr(importlib.import_module(f"simulator.workload.networks.{module}"), function)
    return build()
