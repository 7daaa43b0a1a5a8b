"""Synchronous SGD through a parameter server that sums: pushes behind the backward pass, pulls behind the pushes.

Workers push the gradient in buckets, last layers first; the server adds what came from all and sends the sum back, and
every worker then makes the same update. The server may be spread over several hosts (``cluster.shards``). With a
`group` of more than one, the workers of a node first sum among themselves (reduce-scatter), each pushes and pulls its
share, and an all-gather puts the shares together: a gradient then crosses the network once a node (Jiang et al. 2020).

As BytePS does, a bucket may be cut into parts of at most `partition_bytes`, each of which is summed, pushed, pulled and
gathered by itself, so that these overlap within the bucket; and with a `window` the oldest part is gathered as soon as
that many are on their way, not after the last push.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from math import ceil
from typing import Any

import numpy as np

from simulator.algorithms import rules
from simulator.algorithms.holdings import Holdings, Situation
from simulator.algorithms.rank import Rank
from simulator.algorithms.registry import Algorithm, Option
from simulator.algorithms.vocabulary import Array, Collective, Handle, Operation
from simulator.errors import InputError

__all__ = ["SYNC_PS"]

Steps = Generator[Operation, Any, None]


def accumulate(total: Any, part: Any, *, settings: rules.Settings) -> Any:
    """Σ ← Σ + g."""
    return total + part


def _buckets(rank: Rank) -> list[tuple[int, int]]:
    size = rank.options["bucket_bytes"]
    return rank.buckets(size, first=size)


def _group(rank: Rank) -> tuple[int, ...]:
    """The workers of this worker's node."""
    size, place = rank.options["group"], rank.workers.index(rank.index)
    if len(rank.workers) % size:
        raise InputError(f"algorithm.group: expected a divisor of {len(rank.workers)} workers, got {size}")
    return rank.workers[place - place % size :][:size]


def _cuts(rank: Rank) -> list[int]:
    """How many parts every bucket is cut into."""
    most, layout = rank.options["partition_bytes"], rank.task.layout
    elements = [sum(layout[first:last]) for first, last in _buckets(rank)]
    return [min(ceil(held * rank.task.element_size / most), held) if most else 1 for held in elements]


def _worker(rank: Rank) -> Steps:
    weights, buckets, group, cuts = rank.replica(), _buckets(rank), _group(rank), _cuts(rank)
    window = rank.options["window"] or sum(cuts)
    for _ in rank.steps():
        batch = yield rank.load_batch()
        activations = yield rank.forward(weights, batch)
        computing, pulling, wholes = [], deque[tuple[Handle, list[Array]]](), list[Array]()
        for bucket, cut in zip(buckets, cuts, strict=True):
            computing.append((yield rank.start(rank.backward(activations, bucket))))
            for _ in range(cut):
                place = list[Array]()
                pulling.append(((yield rank.spawn(_pull(rank, place))), place))
        if not rank.options["overlap"]:
            yield rank.join(*computing)
        pushing, going, gathered = list[Handle](), deque[Array](), list[Array]()
        for handle, cut in zip(computing, cuts, strict=True):
            (whole,) = yield rank.join(handle)
            wholes.append(whole)
            for part in _cut(rank, whole, cut):
                share = yield from _scatter(rank, part, group)
                pushing.append((yield rank.spawn(_send(rank, share, rank.master))))
                going.append(part)
                if len(going) > window:
                    gathered.append((yield from _pulled(rank, going.popleft(), pulling.popleft(), group)))
        while going:
            gathered.append((yield from _pulled(rank, going.popleft(), pulling.popleft(), group)))
        yield rank.join(*pushing)
        parts = iter(gathered)
        totals = [
            _together(rank, whole, [next(parts) for _ in range(cut)]) for whole, cut in zip(wholes, cuts, strict=True)
        ]
        yield rank.apply(rules.gradient_step, weights, rank.whole("total", totals), contributions=len(rank.workers))


def _cut(rank: Rank, whole: Array, parts: int) -> list[Array]:
    """The bucket in parts of equal size, or within one element of it; the bucket itself where it is not cut."""
    if parts == 1:
        return [whole]
    values: list[Any] = [None] * parts
    if whole.value is not None:
        values = [whole.value[first:last] for first, last in _bounds(len(whole.value), parts)]
    return [
        rank.small("gradient", last - first, value, whole.element_size)
        for (first, last), value in zip(_bounds(whole.elements, parts), values, strict=True)
    ]


def _bounds(elements: int, parts: int) -> list[tuple[int, int]]:
    return [(elements * part // parts, elements * (part + 1) // parts) for part in range(parts)]


def _together(rank: Rank, whole: Array, parts: list[Array]) -> Array:
    """The sums of a bucket's parts, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    total = rank.like(whole, "total")
    if parts[0].value is not None:
        total.value = np.concatenate([part.value for part in parts])
    return total


def _pulled(
    rank: Rank, part: Array, pulling: tuple[Handle, list[Array]], group: tuple[int, ...]
) -> Generator[Operation, Any, Array]:
    """The sum of one part, once it is pulled and the group's shares are together."""
    handle, place = pulling
    yield rank.join(handle)
    return (yield from _gather(rank, part, place[0], group))


def _scatter(rank: Rank, part: Array, group: tuple[int, ...]) -> Generator[Operation, Any, Array]:
    """The share of this worker in the sum of its group's parts, which are padded to equal shares."""
    if len(group) == 1:
        return part
    size = -(-part.elements // len(group))
    padded, value = part.value, None
    if padded is not None:
        padded = padded.copy()
        padded.resize(-(-len(padded) // len(group)) * len(group))
    summed = rank.small("gradient", size * len(group), padded, part.element_size)
    summed = yield Collective("reduce_scatter", summed, group, group[0])
    if summed.value is not None:
        numbers = len(summed.value) // len(group)
        first = group.index(rank.index) * numbers
        value = summed.value[first : first + numbers]
    return rank.small("gradient", size, value, part.element_size)


def _gather(rank: Rank, part: Array, share: Array, group: tuple[int, ...]) -> Generator[Operation, Any, Array]:
    """The whole sum that the group's shares make up, as long as the part that this worker had computed."""
    whole = rank.like(part, "total")
    gathered = share if len(group) == 1 else (yield Collective("all_gather", share, group, group[0]))
    if gathered.value is not None:
        whole.value = gathered.value[: len(part.value)]
    return whole


def _pull(rank: Rank, place: list[Array]) -> Steps:
    place.append((yield rank.receive(rank.master)))


def _send(rank: Rank, array: Array, to: int) -> Steps:
    yield rank.send(array, to=to)


def _server(rank: Rank) -> Steps:
    """One thread a worker; those of workers with the same place in their groups sum at the first of them.

    Parts are received, summed and sent back side by side, each in the order in which they were pushed.
    """
    masters, size, parts = rank.task.masters, rank.options["group"], sum(_cuts(rank))
    peers = masters[masters.index(rank.index) % size :: size]
    for _ in rank.steps():
        summing, answering = list[Handle](), list[Handle]()
        for _ in range(parts):
            part, total = (yield rank.receive(rank.client)), list[Array]()
            if rank.index != peers[0]:
                yield rank.send(part, to=peers[0])
            summing.append((yield rank.spawn(_sum(rank, part, peers, total, after=summing[-1:]))))
            answering.append((yield rank.spawn(_answer(rank, total, after=summing[-1:]))))
        yield rank.join(*summing, *answering)


def _sum(rank: Rank, part: Array, peers: tuple[int, ...], total: list[Array], after: list[Handle]) -> Steps:
    """The sum of one part, once that of the part before is done: made at the first of the peers for all of them."""
    first, *others = peers
    yield rank.join(*after)
    if rank.index == first:
        for peer in others:
            yield rank.apply(accumulate, part, (yield rank.receive(peer)))
        for peer in others:
            yield rank.send(part, to=peer)
    else:
        part = yield rank.receive(first)
    total.append(part)


def _answer(rank: Rank, total: list[Array], after: list[Handle]) -> Steps:
    yield rank.join(*after)
    yield rank.send(total[0], to=rank.client)


def _worker_holds(situation: Situation) -> Holdings:
    """The sums beside the gradients, and in a group the shares that are pushed and pulled: at most, by the buckets."""
    group = situation.options["group"]
    return Holdings(messages=1.0 if group == 1 else 1.0 + 2.0 / group)


def _server_holds(situation: Situation) -> Holdings:
    """What every worker has pushed, all buckets together, and what the first of the peers gets from another."""
    pushed = situation.workers / situation.options["group"]
    return Holdings(weights=0.0, gradients=pushed, messages=1.0 if pushed > 1 else 0.0)


SYNC_PS = Algorithm(
    name="sync-ps",
    title="Synchronous SGD through a server that sums gradients, pushed in buckets during the backward pass",
    source="Li et al., Parameter server, OSDI 2014; Jiang et al., BytePS, OSDI 2020",
    worker=_worker,
    server=_server,
    learns="replica",
    holds=_worker_holds,
    master_holds=_server_holds,
    collectives={"reduce_scatter": "ring", "all_gather": "ring"},
    options=(
        Option("bucket_bytes", 4 * 1024 * 1024, "bytes of gradients from which a bucket is full", least=1),
        Option("overlap", True, "buckets are pushed as soon as they are there, not after the backward pass"),
        Option("group", 1, "workers of a node that sum among themselves before they push; must divide them", least=1),
        Option("partition_bytes", 0, "bytes above which a bucket is cut into equal parts; 0: it is never cut", least=0),
        Option("window", 0, "parts on their way before the first is gathered; 0: all are pushed before that", least=0),
    ),
)
