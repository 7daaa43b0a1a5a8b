"""Synchronous SGD through a parameter server that sums: pushes behind the backward pass, pulls behind the pushes.

Workers push the gradient in buckets, last layers first; the server adds what came from all and sends the sum back, and
every worker then makes the same update. The server may be spread over several hosts (``cluster.shards``). With a
`group` of more than one, the workers of a node first sum among themselves (reduce-scatter), each pushes and pulls its
share, and an all-gather puts the shares together: a gradient then crosses the network once a node (Jiang et al. 2020).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

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


def _worker(rank: Rank) -> Steps:
    weights, buckets, group = rank.replica(), _buckets(rank), _group(rank)
    for _ in rank.steps():
        batch = yield rank.load_batch()
        activations = yield rank.forward(weights, batch)
        computing, pulling, parts = [], [], list[Array]()
        pulled: list[list[Array]] = [[] for _ in buckets]
        for bucket, place in zip(buckets, pulled, strict=True):
            computing.append((yield rank.start(rank.backward(activations, bucket))))
            pulling.append((yield rank.spawn(_pull(rank, place))))
        if not rank.options["overlap"]:
            yield rank.join(*computing)
        pushing = []
        for handle in computing:
            (part,) = yield rank.join(handle)
            parts.append(part)
            share = yield from _scatter(rank, part, group)
            pushing.append((yield rank.spawn(_send(rank, share, rank.master))))
        totals = []
        for part, handle, place in zip(parts, pulling, pulled, strict=True):
            yield rank.join(handle)
            totals.append((yield from _gather(rank, part, place[0], group)))
        yield rank.join(*pushing)
        yield rank.apply(rules.gradient_step, weights, rank.whole("total", totals), contributions=len(rank.workers))


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

    Parts are received, summed and sent back side by side, each in the order of the buckets.
    """
    masters, size, buckets = rank.task.masters, rank.options["group"], _buckets(rank)
    peers = masters[masters.index(rank.index) % size :: size]
    for _ in rank.steps():
        summing, answering = list[Handle](), list[Handle]()
        for _ in buckets:
            part, total = (yield rank.receive(rank.client)), list[Array]()
            if rank.index != peers[0]:
                yield rank.send(part, to=peers[0])
            summing.append((yield rank.spawn(_sum(rank, part, peers, total, after=summing[-1:]))))
            answering.append((yield rank.spawn(_answer(rank, total, after=summing[-1:]))))
        yield rank.join(*summing, *answering)


def _sum(rank: Rank, part: Array, peers: tuple[int, ...], total: list[Array], after: list[Handle]) -> Steps:
    """The sum of one bucket, once that of the bucket before is done: made at the first of the peers for all of them."""
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
    ),
)
