"""The synchronous parameter server makes the steps of an all-reduce, whatever its buckets, groups and shards."""

from __future__ import annotations

import numpy as np
import pytest

from simulator import load, simulate
from simulator.errors import InputError

KEYS = {
    "cluster.system": "m40x4",
    "workload.steps": 6,
    "learning.data": "synthetic:samples=240,shape=1x4x3,classes=3",
    "learning.model": "softmax",
    "learning.batch_size": 8,
    "learning.target_accuracy": None,
}


def weights(**keys):
    return simulate(load("m40x4-digits", **KEYS, **keys)).weights


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize("overlap", [True, False])
def test_it_learns_as_an_all_reduce_does(group, overlap):
    options = {"algorithm.group": group, "algorithm.overlap": overlap, "algorithm.bucket_bytes": 4000}
    server = weights(**{"algorithm.name": "sync-ps", **options})
    np.testing.assert_allclose(server, weights(**{"algorithm.name": "sync-sgd"}), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize("window", [0, 1, 3])
@pytest.mark.parametrize("size", [20_000, 10**6])
def test_it_learns_the_same_however_buckets_are_cut(group, window, size):
    keys = {"algorithm.name": "sync-ps", "algorithm.group": group, "algorithm.bucket_bytes": 4000}
    cut = weights(**keys, **{"algorithm.partition_bytes": size, "algorithm.window": window})
    np.testing.assert_allclose(cut, weights(**keys), rtol=1e-12, atol=1e-13)


def test_a_bucket_that_is_cut_is_on_its_way_earlier():
    """Sums, pushes, pulls and gathers of its parts overlap; with a window the gathers begin before the last push."""
    keys = {"algorithm.name": "sync-ps", "algorithm.group": 4, "algorithm.bucket_bytes": 10**9, "workload.steps": 1}
    keys |= {"cluster.system": "hkbu-10g", "cluster.nodes": 4, "cluster.workers": 8, "cluster.master": "node"}
    keys |= {"workload.network": "alexnet", "workload.batch_size": 8}
    times = [
        simulate(load("m40x4-lenet", **keys, **{"algorithm.partition_bytes": size, "algorithm.window": window})).time
        for size, window in ((0, 0), (16_000_000, 0), (16_000_000, 2))
    ]
    assert times[1] < 0.8 * times[0]
    assert times[2] <= times[1]


def test_shards_share_the_traffic_and_change_no_number():
    keys = {"algorithm.name": "sync-ps", "cluster.master": "device"}
    np.testing.assert_array_equal(weights(**keys), weights(**keys, **{"cluster.shards": 4}))


def test_overlap_is_never_slower():
    times = [
        simulate(load("m40x4-lenet", **{"algorithm.name": "sync-ps", "algorithm.overlap": overlap})).time
        for overlap in (True, False)
    ]
    assert times[0] <= times[1]


def test_groups_that_do_not_divide_the_workers_are_refused():
    with pytest.raises(InputError, match=r"algorithm\.group: expected a divisor of 4 workers, got 3"):
        simulate(load("m40x4-lenet", **{"algorithm.name": "sync-ps", "algorithm.group": 3}))
