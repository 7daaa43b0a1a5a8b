"""All sources, in the order in which they are reported."""

from __future__ import annotations

from validation.published.hkbu import HKBU
from validation.published.kvstore import KVSTORE
from validation.published.mxnet import MXNET
from validation.published.nccl import NCCL
from validation.published.source import Source
from validation.published.tensorflow import TENSORFLOW
from validation.published.theano import THEANO

__all__ = ["SOURCES"]

SOURCES: tuple[Source, ...] = (TENSORFLOW, MXNET, THEANO, HKBU, NCCL, KVSTORE)
