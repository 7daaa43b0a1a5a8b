"""Synchronous SGD with compressed gradients and error feedback: top-k, 8 bits, low rank.

Sparse and quantised gradients cannot be added on their way, so that every worker gathers those of all and adds them up:
P - 1 of them arrive, where an all-reduce carries 2 (P - 1) / P whole ones. The factors of a low-rank approximation can
be added, and are all-reduced one after the other (Vogels et al. 2019). What a step does not send is held back and added
to the next gradient.

Compression costs time. Top-k selects by radix: it reads the keys once for each of their four bytes and once more to
collect (Alabi et al. 2012). The others are bound by memory as well: low rank reads the gradient for each of its two
products, whose flops, 2 r an element, are few. Orthonormalising a factor of a few columns is left out.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simulator.algorithms import rules
from simulator.algorithms import rules_compression as compression
from simulator.algorithms.holdings import Holdings, Situation
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import Algorithm, Option
from simulator.algorithms.vocabulary import Operation

__all__ = ["EIGHT_BIT_SGD", "POWER_SGD", "TOPK_SGD"]

Steps = Generator[Operation, Any, None]
#: Numbers with a common scale: one of 4 bytes for 2048 of one byte.
_BLOCK = 2048
_SELECTION_PASSES = 5


def _topk_worker(rank: Rank) -> Steps:
    weights, residual = rank.replica(), rank.zeros("residual")
    fraction, feedback = rank.options["fraction"], rank.options["error_feedback"]
    size, sent = weights.elements * weights.element_size, 2 * compression.kept(weights.elements, fraction)
    everyone = {"workers": len(rank.workers), "numbers": rank.numbers}
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(weights, batch)
        message = yield rank.transform(
            compression.keep_largest,
            residual,
            gradient,
            made=rank.small("top k", sent),
            reads=(2 + _SELECTION_PASSES) * size,
            fraction=fraction,
            feedback=feedback,
        )
        gathered = yield rank.all_gather(message)
        total = yield rank.transform(compression.scatter, gathered, made=rank.like(weights, "total"), **everyone)
        yield rank.apply(rules.gradient_step, weights, total, contributions=len(rank.workers))


def _eight_bit_worker(rank: Rank) -> Steps:
    weights, residual = rank.replica(), rank.zeros("residual")
    bytes_sent = weights.elements + 4 * compression.scales(weights.elements, _BLOCK)
    everyone = {"workers": len(rank.workers), "numbers": rank.numbers, "block": _BLOCK}
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(weights, batch)
        message = yield rank.transform(
            compression.quantise,
            residual,
            gradient,
            made=rank.small("8 bits", bytes_sent, element_size=1),
            block=_BLOCK,
            feedback=rank.options["error_feedback"],
        )
        gathered = yield rank.all_gather(message)
        total = yield rank.transform(compression.dequantise, gathered, made=rank.like(weights, "total"), **everyone)
        yield rank.apply(rules.gradient_step, weights, total, contributions=len(rank.workers))


def _power_worker(rank: Rank) -> Steps:
    weights, wanted, workers = rank.replica(), rank.zeros("residual"), len(rank.workers)
    layers = {"layout": weights.layout, "rank": rank.options["rank"]}
    left_elements, right_elements = compression.factor_elements(**layers)
    size = weights.elements * weights.element_size
    right = rank.small("right factors", right_elements)
    if weights.value is not None:
        right.value = compression.start_right(rank.numbers, generator=rank.random("power-sgd", of=0), **layers)
    for _ in rank.steps():
        batch = yield rank.load_batch()
        gradient = yield rank.gradient(weights, batch)
        left = rank.small("left factors", left_elements)
        left = yield rank.transform(
            compression.left_factor, wanted, gradient, right, made=left, reads=3 * size, **layers
        )
        left = yield rank.all_reduce(left)
        right = rank.small("right factors", right_elements)
        right = yield rank.transform(compression.right_factor, wanted, left, made=right, **layers)
        right = yield rank.all_reduce(right)
        mean = {"contributions": workers, "feedback": rank.options["error_feedback"], **layers}
        made = rank.like(weights, "total")
        total = yield rank.transform(compression.low_rank_gradient, wanted, left, right, made=made, **mean)
        yield rank.apply(rules.gradient_step, weights, total, contributions=workers)


def _gathering(message: float, workers: int) -> Holdings:
    """Weights, residual and gradient, whose place the sum takes; beside them the own message, then those of all."""
    gathered = workers * message
    return Holdings(copies=1.0, messages=max(message, gathered, message + gathered - 1.0))


def _topk_holds(situation: Situation) -> Holdings:
    sent = 2 * compression.kept(situation.elements, situation.options["fraction"])
    return _gathering(situation.copies(sent), situation.workers)


def _eight_bit_holds(situation: Situation) -> Holdings:
    sent = situation.elements + 4 * compression.scales(situation.elements, _BLOCK)
    return _gathering(situation.copies(sent, element_size=1), situation.workers)


def _power_holds(situation: Situation) -> Holdings:
    """The same with factors; while one of them is summed, the gradient is no longer, and the sum not yet, there."""
    factors = compression.factor_elements(situation.layout, situation.options["rank"])
    left, right = (situation.copies(elements) for elements in factors)
    return Holdings(copies=1.0, messages=max(left + right, 2 * left - 1.0, left + 2 * right - 1.0))


_FEEDBACK = Option("error_feedback", True, "what a step does not send is added to the next gradient")

TOPK_SGD = Algorithm(
    name="topk-sgd",
    title="Synchronous SGD that sends the largest numbers of a gradient and holds the rest back",
    source="Aji, Heafield, EMNLP 2017; Lin et al., Deep gradient compression, ICLR 2018",
    worker=_topk_worker,
    learns="replica",
    holds=_topk_holds,
    collectives={"all_gather": "ring"},
    options=(Option("fraction", 0.01, "of the gradient's numbers that is sent", least=1e-9, most=1), _FEEDBACK),
)

EIGHT_BIT_SGD = Algorithm(
    name="8bit-sgd",
    title="Synchronous SGD that sends gradients in 8-bit numbers, with a scale for each 2048",
    source="Seide et al., Interspeech 2014; Dettmers, 8-bit approximations for parallelism in deep learning, ICLR 2016",
    worker=_eight_bit_worker,
    learns="replica",
    holds=_eight_bit_holds,
    collectives={"all_gather": "ring"},
    options=(_FEEDBACK,),
)

POWER_SGD = Algorithm(
    name="power-sgd",
    title="Synchronous SGD that sends low-rank factors of each layer's gradient",
    source="Vogels, Karimireddy, Jaggi, PowerSGD, NeurIPS 2019",
    worker=_power_worker,
    learns="replica",
    holds=_power_holds,
    collectives={"all_reduce": "auto"},
    options=(Option("rank", 4, "of the approximation", least=1), _FEEDBACK),
)
