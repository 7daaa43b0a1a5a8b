"""All sources, in the order in which they are reported."""

from __future__ import annotations

from validation.published.source import Source
from validation.published.tensorflow import TENSORFLOW

__all__ = ["SOURCES"]

SOURCES: tuple[Source, ...] = (TENSORFLOW,)
