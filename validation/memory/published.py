"""Largest batches and memory of published training runs, and what the memory model says of them.

None of these figures was used to make the model; its rules come from what backward passes read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.hardware import load_device
from simulator.memory_plan import memory_of
from simulator.scenario import Scenario
from simulator.workload import largest_batch, load_network, memory_needed
from validation.checks import Check

__all__ = ["ALLOWED", "LIMITS", "RAN", "Limit", "batches_that_ran", "largest_batches", "vgg_needs"]

#: Largest relative error of a largest batch that passes.
ALLOWED = 0.10

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


#: Largest batches that a program was published to train with: by system, network and batch. They fit, and nobody says
#: that no larger ones would.
_TENSORFLOW = "TensorFlow's benchmarks of May 2017, with parameters on the host"
RAN = (
    ("dgx1-p100", "inception-v3", 64),
    ("dgx1-p100", "resnet-50", 64),
    ("dgx1-p100", "resnet-152", 64),
    ("dgx1-p100", "alexnet", 512),
    ("dgx1-p100", "vgg-16", 64),
    ("gce-k80x8", "inception-v3", 64),
    ("gce-k80x8", "resnet-50", 64),
    ("gce-k80x8", "resnet-152", 32),
    ("gce-k80x8", "alexnet", 512),
    ("gce-k80x8", "vgg-16", 32),
)
#: What VGG-16 with a batch of 256 was published to take [GB].
_VGG_NEED = 28.0
_VDNN = "Rhu et al., vDNN, MICRO 2016, with the workspace of cuDNN's fastest convolutions"


def largest_batches() -> list[Check]:
    """The largest batch that the model lets a board have, beside the one that ran; recalled ones are not judged."""
    return [
        Check(
            "Largest batch",
            f"{limit.network} on {limit.board}",
            _largest(limit),
            limit.batch,
            "samples",
            allowed=None if limit.confidence else ALLOWED,
            confidence=limit.confidence,
            note=limit.source,
        )
        for limit in LIMITS
    ]


def batches_that_ran() -> list[Check]:
    """The largest batch that the model allows, beside one that ran: shown, as a larger one is no error."""
    found = []
    for system, network, batch in RAN:
        tables = {
            "cluster": {"system": system},
            "workload": {"network": network, "dataset": "imagenet", "batch_size": batch, "steps": 1},
            "algorithm": {"name": "sync-ps"},
        }
        allowed = memory_of(Scenario.from_dict(tables)).largest_batch or 0
        found.append(Check("Batches that ran", f"{network} on {system}", allowed, batch, "samples", note=_TENSORFLOW))
    return found


def vgg_needs() -> list[Check]:
    """What VGG-16 takes with nothing freed and with everything freed as it is used: the published need lies between."""
    network = load_network("vgg-16")
    return [
        Check(
            "VGG-16, batch 256",
            what,
            memory_needed(network, 256, free_nothing=free_nothing).total / 1e9,
            _VGG_NEED,
            "GB",
            note=_VDNN,
        )
        for what, free_nothing in (("nothing freed", True), ("freed as it is used", False))
    ]


def _largest(limit: Limit) -> int:
    board = load_device(limit.board)
    assert board.runtime_memory is not None
    return largest_batch(
        load_network(limit.network),
        board.memory.usable,
        optimizer=limit.optimizer,
        runtime=board.runtime_memory.value,
    )
