"""One BLAS thread for small matrix products.

Products as small as those of a small network gain nothing from a second thread, and lose several-fold where other
processes use the cores; and the last bits of a sum depend on how many threads share it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

__all__ = ["one_thread"]


def one_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS runs on one thread; without threadpoolctl (comes with scikit-learn) it changes nothing.

    Entering takes about five milliseconds, so put it around a run, not around a gradient.
    """
    try:
        threadpoolctl: Any = import_module("threadpoolctl")
    except ImportError:
        return nullcontext()
    limits: AbstractContextManager[Any] = threadpoolctl.threadpool_limits(limits=1, user_api="blas")
    return limits
