"""Laws of dealing samples to workers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.learning import Sampler
from simulator.randomness import stream

counts = st.integers(1, 40)
few = st.integers(1, 7)
seeds = st.integers(0, 2**32)


@settings(deadline=None)
@given(counts, few, few, seeds)
def test_every_epoch_has_every_sample_once(samples: int, workers: int, batch: int, seed: int) -> None:
    sampler = Sampler(samples, workers, batch, seed)
    steps = -(-3 * samples // (workers * batch))
    dealt = np.concatenate([sampler.indices(worker, step) for step in range(steps) for worker in range(workers)])
    for epoch in range(3):
        order = dealt[epoch * samples : (epoch + 1) * samples]
        assert sorted(order.tolist()) == list(range(samples))
        assert np.array_equal(order, stream(seed, "data", epoch).permutation(samples))


@settings(deadline=None)
@given(counts, few, few, seeds, st.integers(0, 30))
def test_workers_see_together_what_one_with_the_joint_batch_sees(
    samples: int, workers: int, batch: int, seed: int, step: int
) -> None:
    sampler = Sampler(samples, workers, batch, seed)
    parts = [sampler.indices(worker, step) for worker in range(workers)]
    assert all(part.shape == (batch,) and part.dtype == np.int64 for part in parts)
    alone = Sampler(samples, 1, workers * batch, seed)
    assert np.array_equal(np.concatenate(parts), alone.indices(0, step))


@settings(deadline=None)
@given(counts, few, few, seeds, st.lists(st.tuples(st.integers(0, 6), st.integers(0, 200)), min_size=1, max_size=20))
def test_a_slice_does_not_depend_on_what_was_asked_before(
    samples: int, workers: int, batch: int, seed: int, calls: list[tuple[int, int]]
) -> None:
    sampler = Sampler(samples, workers, batch, seed)
    for worker, step in calls:
        fresh = Sampler(samples, workers, batch, seed).indices(worker % workers, step)
        assert np.array_equal(sampler.indices(worker % workers, step), fresh)


def test_what_is_handed_out_may_be_changed_without_harm() -> None:
    sampler = Sampler(10, 1, 4, seed=0)
    taken = sampler.indices(0, 0)
    kept = taken.copy()
    taken[:] = -1
    assert np.array_equal(sampler.indices(0, 0), kept)


def test_other_seeds_give_other_orders_and_epochs_differ() -> None:
    first = Sampler(100, 1, 100, seed=0)
    assert not np.array_equal(first.indices(0, 0), Sampler(100, 1, 100, seed=1).indices(0, 0))
    assert not np.array_equal(first.indices(0, 0), first.indices(0, 1))


def test_memory_does_not_grow_with_the_epochs_walked() -> None:
    sampler = Sampler(50, 2, 25, seed=0)
    for step in range(300):
        sampler.indices(0, step)
    assert len(sampler._permutations) <= 4


def test_epochs_count_samples_of_all_workers() -> None:
    assert Sampler(1000, 4, 25, seed=0).epochs(20) == 2.0


@pytest.mark.parametrize("wrong", [{"samples": 0}, {"workers": 0}, {"batch": -1}])
def test_counts_below_one_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(wrong))}: expected at least 1"):
        Sampler(**{"samples": 5, "workers": 1, "batch": 1, "seed": 0, **wrong})


@pytest.mark.parametrize(("worker", "step"), [(2, 0), (-1, 0), (0, -1)])
def test_no_such_worker_or_step(worker: int, step: int) -> None:
    with pytest.raises(IndexError):
        Sampler(5, 2, 1, seed=0).indices(worker, step)
