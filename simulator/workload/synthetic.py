"""Networks known only by their totals, for asking what if: parameters, FLOPs a sample, layers.

Each of the equal layers multiplies `positions` vectors of a sample with one square weight matrix, sized so that the
layer's parameters and FLOPs come out; that is the arithmetic intensity of a convolution or a transformer with these
totals, but not its shapes, so read the kernel times as those of large matrix products.

- `parameters` is met exactly. With more parameters than FLOPs/2, the surplus is stored and sent but computes nothing.
- `forward_flops` is met up to the rounding of a matrix to whole rows and columns: a layer of r rows is within 1/r of
  its share. `Network.forward_flops` is what is simulated.
"""

from __future__ import annotations

import math

from simulator.errors import InputError
from simulator.workload.builder import NetworkBuilder
from simulator.workload.network import Network
from simulator.workload.parametric import parse_options, whole_number
from simulator.workload.shapes import Shape

__all__ = ["parse_synthetic_network", "synthetic_network"]


def synthetic_network(
    parameters: int,
    forward_flops: float,
    layers: int = 1,
    *,
    name: str = "synthetic",
    title: str = "",
    input_shape: Shape = (3, 224, 224),
    source: str = "totals given by the user",
) -> Network:
    """A network of `layers` equal layers with these totals.

    Parameters
    ----------
    parameters : int
        Trained numbers, at least one a layer.
    forward_flops : float
        FLOPs of a forward pass, per sample; a multiply-add is two, so at least two a layer.
    layers : int
        How many messages an unpacked transfer takes, and how finely communication can overlap.
    name, title, input_shape, source
        See `Network`; the input shape only sets the size of a sample.

    Raises
    ------
    InputError
        If a total is too small for the number of layers.

    Examples
    --------
    >>> network = synthetic_network(parameters=25_000_000, forward_flops=8e9, layers=50)
    >>> network.parameters, abs(network.forward_flops / 8e9 - 1) < 0.01
    (25000000, True)
    """
    where = f"network {name!r}"
    if layers < 1:
        raise InputError(f"{where}: layers: expected at least 1, got {layers}")
    if parameters < layers:
        raise InputError(f"{where}: parameters: expected at least one for each of {layers} layers, got {parameters}")
    if not 2 * layers <= forward_flops < math.inf:
        raise InputError(
            f"{where}: forward_flops: expected at least two for each of {layers} layers, got {forward_flops:g}"
        )
    net = NetworkBuilder(name, input_shape=input_shape, title=title, source=source)
    for index in range(layers):
        share = parameters // layers + (1 if index < parameters % layers else 0)
        rows, columns, positions = _matrix(share, forward_flops / layers)
        net.totals(f"layer{index + 1}", parameters=share, rows=rows, columns=columns, positions=positions)
    return net.build()


def _matrix(parameters: int, flops: float) -> tuple[int, int, int]:
    """(rows, columns, positions): a nearly square matrix of at most `parameters` numbers, and how often it is used."""
    products = flops / 2
    positions = math.ceil(products / parameters)
    weights = min(parameters, max(1, round(products / positions)))
    rows = math.isqrt(weights)
    return rows, weights // rows, positions


def parse_synthetic_network(name: str) -> Network:
    """The network that ``synthetic:parameters=P,flops=F[,layers=N]`` asks for.

    Raises
    ------
    InputError
        If a key is missing or its value not a number.
    UnknownNameError
        If there is another key.
    """
    where = f"network {name!r}"
    options = parse_options(name.removeprefix("synthetic:"), ("parameters", "flops", "layers"), where)
    for key in ("parameters", "flops"):
        if key not in options:
            raise InputError(f"{where}: {key}: missing; expected synthetic:parameters=25e6,flops=8e9,layers=50")
    return synthetic_network(
        parameters=whole_number(options["parameters"], "parameters", where),
        forward_flops=whole_number(options["flops"], "flops", where),
        layers=whole_number(options.get("layers", "1"), "layers", where),
        name=name,
        title="Synthetic, known by its totals",
    )
