"""Sparing Python's cyclic garbage collector the scanning of objects that live to the end of a run anyway."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Suspend cyclic garbage collection, if it is on; a run makes millions of objects and next to no cycles."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
