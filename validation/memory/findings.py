"""What the memory model says beside what was published to fit, and beside what PyTorch keeps of each network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simulator.workload import load_network, network_names
from validation.checks import Check, Findings, Progress, Verdict
from validation.memory.autograd import adapted_bytes, saved_bytes
from validation.memory.published import batches_that_ran, largest_batches, vgg_needs

__all__ = ["ALLOWED_OF_AUTOGRAD", "findings", "verdicts"]

_TITLE = "Memory: what fits, and what is kept"
#: Largest relative difference from what PyTorch keeps that passes.
ALLOWED_OF_AUTOGRAD = 0.006
#: Samples that are counted with: two, so that nothing that does not grow with the batch is taken for what does.
_BATCH = 2
_AUTOGRAD = "Kept between forward and backward pass, a sample"

INTRODUCTION = """\
Made by `python -m validation.memory > validation/memory/README.md`. The model is that of
[docs/memory.md](../../docs/memory.md); none of these figures was used to make it. Needs no data besides this
repository, and PyTorch for the last table, whose operators are replayed on its `meta` device, without a GPU.

Largest batches may be off by 10 %; those marked R are recalled, were not read again, and are not judged. Batches that
ran must fit, and larger ones than those are no error. What VGG-16 was published to take must lie between the model with
nothing freed, which has a gradient for every value, and as it is used. What PyTorch keeps may differ by 0.6 %, once
winners of pooling take 8 bytes and masks of dropout one, as they do there; the model has 4 for both.
"""

REASONS = """\
- *BERT* in TensorFlow 1.11 needs three to five times what the model says. That program puts GELU, layer normalisation,
  masks and dropout inside attention together from elementary operations, each of which keeps its operands; the model
  has one operator for each, as later frameworks do, and agrees with what PyTorch keeps of the same networks. It is not
  to be used for unfused transformers.
- *Convolutional networks*: what is left is the allocator's fragments, and how much workspace convolutions were let.
- *VGG-16*: the published figure is of an allocation for the whole network, with the workspace of the fastest
  convolutions, which the model does not have.
"""


def findings(reference: Path | None = None, progress: Progress = lambda what, share: None) -> Findings:
    """All of it; without what PyTorch keeps where there is no PyTorch. `reference` has nothing that is needed here."""
    progress("what fits", 0.0)
    needs, ran = vgg_needs(), batches_that_ran()
    checks = [*largest_batches(), *ran, *needs]
    sections = {}
    try:
        checks += _autograd(progress)
    except ImportError:
        sections[_AUTOGRAD] = "PyTorch is not installed here, so nothing was counted.\n"
    progress("memory", 1.0)
    return Findings("memory", _TITLE, INTRODUCTION, checks, verdicts(ran, needs), REASONS, sections=sections)


def verdicts(ran: Sequence[Check], needs: Sequence[Check]) -> list[Verdict]:
    """Whether all that ran fits, and whether the published need of VGG-16 is enclosed."""
    fits = sum(check.predicted >= check.measured for check in ran) / len(ran)
    most, least = (check.predicted / check.measured for check in needs)
    section = needs[0].section
    return [
        Verdict(ran[0].section, f"share of {len(ran)} that fit", fits, 1.0, "at least"),
        Verdict(section, "with nothing freed, of the published need", most, 1.0, "at least"),
        Verdict(section, "freed as it is used, of the published need", least, 1.0, "at most"),
    ]


def _autograd(progress: Progress) -> list[Check]:
    found = []
    names = network_names()
    for place, name in enumerate(names):
        progress(f"what PyTorch keeps of {name}", place / len(names))
        network = load_network(name)
        try:
            kept = saved_bytes(network, _BATCH)
        except KeyError:
            continue  # local response normalisation, which PyTorch puts together from other operators
        predicted, measured = (size / _BATCH / 1e6 for size in (adapted_bytes(network, _BATCH), kept))
        found.append(Check(_AUTOGRAD, name, predicted, measured, "MB", allowed=ALLOWED_OF_AUTOGRAD))
    return found
