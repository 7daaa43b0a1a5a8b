"""What networks after 2015 repeat: a convolution without bias, batch normalisation, mostly a ReLU."""

from __future__ import annotations

from simulator.workload.builder import NetworkBuilder
from simulator.workload.shapes import Extent

__all__ = ["normalised_convolution"]


def normalised_convolution(
    net: NetworkBuilder,
    name: str,
    *,
    filters: int,
    kernel: Extent,
    stride: Extent = 1,
    pad: Extent = 0,
    relu: bool = True,
    after: str | None = None,
) -> str:
    """Adds ``name``, ``name/bn`` and, if `relu`, ``name/relu``; returns the name of the last."""
    net.convolution(name, filters=filters, kernel=kernel, stride=stride, pad=pad, bias=False, after=after)
    last = net.batch_norm(f"{name}/bn")
    return net.relu(f"{name}/relu") if relu else last
