"""BLAS on one thread, and only as long as asked for."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.learning import one_thread


def blas_threads() -> set[int]:
    threadpoolctl = pytest.importorskip("threadpoolctl")
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_inside_and_its_own_number_after() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    with one_thread():
        assert blas_threads() <= {1}
    assert blas_threads() == before


def test_nothing_happens_without_threadpoolctl(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    before = blas_threads()
    monkeypatch.setattr("simulator.learning.threads.import_module", missing)
    with one_thread():
        assert blas_threads() == before
