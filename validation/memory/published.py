"""Largest batches and memory of published training runs, and what the memory model says of them.

None of these figures was used to make the model; its rules come from what backward passes read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.hardware import load_device
from simulator.workload import largest_batch, load_network, memory_needed

__all__ = ["LIMITS", "Limit", "Row", "rows"]

#: Titan X boards of 12 GB, Maxwell's standing for Pascal's, and a P100 on PCIe.
Board = Literal["titan-x-maxwell", "p100-pcie"]
_CAPUCHIN = "Peng et al., Capuchin, ASPLOS 2020, TensorFlow as it is, P100 16 GB"
_BERT = "google-research/bert, README, TensorFlow 1.11, Adam, Titan X 12 GB"


@dataclass(frozen=True)
class Limit:
    """The largest batch that ran on a board.

    Attributes
    ----------
    optimizer : float
        Copies of the parameters that the optimizer keeps.
    confidence : str
        R where the figure is recalled and was not read again.
    """

    network: str
    board: Board
    batch: int
    source: str
    optimizer: float = 0.0
    confidence: Literal["", "R"] = ""


LIMITS = (
    Limit("vgg-16", "p100-pcie", 228, _CAPUCHIN, confidence="R"),
    Limit("resnet-50", "p100-pcie", 190, _CAPUCHIN, confidence="R"),
    Limit("resnet-152", "p100-pcie", 86, _CAPUCHIN, confidence="R"),
    Limit("inception-v3", "p100-pcie", 160, _CAPUCHIN, confidence="R"),
    Limit("bert-base", "titan-x-maxwell", 32, _BERT, optimizer=2.0),
    Limit("bert-base-512", "titan-x-maxwell", 6, _BERT, optimizer=2.0),
    Limit("bert-large", "titan-x-maxwell", 6, _BERT, optimizer=2.0),
    Limit("bert-large-512", "titan-x-maxwell", 0, _BERT, optimizer=2.0),
)


@dataclass(frozen=True)
class Row:
    """One figure, predicted and published."""

    what: str
    predicted: float
    published: float
    unit: str
    source: str
    confidence: str = ""

    @property
    def error(self) -> float | None:
        """Predicted over published, less one; None where nothing fitted."""
        return self.predicted / self.published - 1.0 if self.published else None


def rows() -> list[Row]:
    """All of them."""
    found = [
        Row(
            f"{limit.network} on {limit.board}", _largest(limit), limit.batch, "samples", limit.source, limit.confidence
        )
        for limit in LIMITS
    ]
    network = load_network("vgg-16")
    for what, free_nothing in (("nothing freed", True), ("freed as it is used", False)):
        need = memory_needed(network, 256, free_nothing=free_nothing).total
        source = "Rhu et al., vDNN, MICRO 2016, with the workspace of cuDNN's fastest convolutions"
        found.append(Row(f"vgg-16, batch 256, {what}", need / 1e9, 28.0, "GB", source))
    return found


def _largest(limit: Limit) -> int:
    board = load_device(limit.board)
    assert board.runtime_memory is not None
    return largest_batch(
        load_network(limit.network),
        board.memory.usable,
        optimizer=limit.optimizer,
        runtime=board.runtime_memory.value,
    )
