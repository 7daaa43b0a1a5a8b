"""Layers of transformers: table look-ups and scaled dot-product attention (Vaswani et al. 2017).

The full square of scores is computed, also under a causal mask, and written to memory: no fused attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from simulator.workload.kernels import Elementwise, Gemm
from simulator.workload.layers.base import Kernels, Layer

__all__ = ["AttentionLayer", "EmbeddingLayer"]


@dataclass(frozen=True, kw_only=True)
class EmbeddingLayer(Layer):
    """Sum of one row from each of several tables, for every token: words, positions, segments.

    All tables count as parameters and their gradients travel in full, as dense all-reduce sends them.
    """

    kind: ClassVar[str] = "embedding"

    tables: tuple[int, ...]  #: rows of each table

    @property
    def parameters(self) -> int:
        """All rows of all tables."""
        return sum(self.tables) * self.output_shape[-1]

    def forward(self, batch: int) -> Kernels:
        """Read one row a table, write their sum."""
        values = batch * self.output_elements
        tables = len(self.tables)
        return (Elementwise("embedding", tables * values, values, (tables - 1) * values),)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Clear the dense gradients, then add each token's gradient to its rows (read, add, write)."""
        values = batch * self.output_elements * len(self.tables)
        return (Elementwise("embedding_gradient", 2 * values, self.parameters + values, values),)


@dataclass(frozen=True, kw_only=True)
class AttentionLayer(Layer):
    """Softmax(Q · Kᵀ / √d) · V for each head; inputs are queries, keys and values of (tokens, features).

    Token-major matrices are, read column-major as `Gemm` is, (features of a head × tokens). Backward recomputes
    nothing: the probabilities are kept.
    """

    kind: ClassVar[str] = "attention"

    heads: int

    @property
    def _tokens(self) -> int:
        return self.output_shape[0]

    @property
    def _head_features(self) -> int:
        return self.output_shape[1] // self.heads

    @property
    def _scores(self) -> int:
        return self.heads * self._tokens**2

    @property
    def flops(self) -> float:
        """Scores and their product with the values."""
        return 4.0 * self._scores * self._head_features

    @property
    def keeps_input(self) -> bool:
        """Queries, keys and values."""
        return True

    @property
    def saved_elements(self) -> int:
        """The probabilities."""
        return self._scores

    def _scores_gemm(self, batch: int) -> Gemm:
        tokens, count = self._tokens, batch * self.heads
        return Gemm(m=tokens, n=tokens, k=self._head_features, transpose_a=True, count=count)

    def _values_gemm(self, batch: int, transpose_b: bool) -> Gemm:
        tokens, count = self._tokens, batch * self.heads
        return Gemm(m=self._head_features, n=tokens, k=tokens, transpose_b=transpose_b, count=count)

    def forward(self, batch: int) -> Kernels:
        """Scores, softmax, weighted values."""
        scores = batch * self._scores
        softmax = Elementwise("attention_softmax", scores, scores, 5 * scores)
        return self._scores_gemm(batch), softmax, self._values_gemm(batch, transpose_b=False)

    def backward(self, batch: int, input_gradient: bool) -> Kernels:
        """Gradients of values, probabilities, scores, queries and keys."""
        if not input_gradient:
            return ()
        scores = batch * self._scores
        return (
            self._values_gemm(batch, transpose_b=True),
            self._scores_gemm(batch),
            Elementwise("attention_softmax_gradient", 2 * scores, scores, 4 * scores),
            self._values_gemm(batch, transpose_b=False),
            self._values_gemm(batch, transpose_b=True),
        )
