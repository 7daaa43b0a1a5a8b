"""``python -m validation.memory``: the tables of docs/memory.md, as Markdown."""

from __future__ import annotations

from simulator.workload import load_network, network_names
from validation.memory.autograd import saved_bytes
from validation.memory.published import rows

_BATCH = 2


def _published() -> None:
    print("| run | predicted | published | error | source |")
    print("|---|---|---|---|---|")
    for row in rows():
        error = "nothing fits" if row.error is None else f"{row.error:+.1%}"
        mark = f" ({row.confidence})" if row.confidence else ""
        print(f"| {row.what} | {row.predicted:.3g} {row.unit} | {row.published:g}{mark} | {error} | {row.source} |")


def _autograd() -> None:
    print("| network | predicted a sample | PyTorch keeps | error | with PyTorch's sizes of winners and masks |")
    print("|---|---|---|---|---|")
    for name in network_names():
        network = load_network(name)
        try:
            kept = saved_bytes(network, _BATCH)
        except KeyError:
            continue  # local response normalisation, which PyTorch puts together from other operators
        predicted = network.activation_bytes(_BATCH)
        winners = sum(layer.saved_elements for layer in network.layers if layer.kind == "pool")
        masks = sum(layer.saved_elements for layer in network.layers if layer.kind == "dropout")
        adapted = predicted + _BATCH * (4 * winners - 3 * masks)
        sizes = f"{predicted / _BATCH / 1e6:.2f} MB | {kept / _BATCH / 1e6:.2f} MB"
        print(f"| {name} | {sizes} | {predicted / kept - 1:+.1%} | {adapted / kept - 1:+.2%} |")


if __name__ == "__main__":
    _published()
    print()
    try:
        _autograd()
    except ImportError:
        print("PyTorch is not installed: what autograd keeps was not counted.")
