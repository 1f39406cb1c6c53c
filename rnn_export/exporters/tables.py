"""The initializer of a folded embedding: x W + b for every row x of an embedding's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnn_export.exporters.elements import carrier
from rnn_export.network import Weight
from rnn_export.network.dtypes import numpy_dtype

# Of the float64 sums, so that they stay in the caches.
_SLAB_ELEMENTS = 2**17


@dataclass(frozen=True)
class Table:
    """Rows of an embedding's table times a kernel, plus a bias: what a cell adds for each token.

    Added up in float64 in one fixed order, so that every machine writes the same bytes, and rounded once, to what
    is stored. The products of float32 numbers are exact in float64.

    Args:
        rows: the embedding's table, (tokens, features).
        kernel: (features, units).
        bias: (units,), or None.
        compute: the dtype that all three are rounded to first: that of the calls.
    """

    rows: Weight
    kernel: Weight
    bias: Weight | None
    compute: str

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows.shape[0], self.kernel.shape[1])

    @property
    def dtype(self) -> str:
        return carrier(self.compute)

    @property
    def key(self) -> str:
        bias = "none" if self.bias is None else self.bias.digest
        return f"table {self.rows.digest} {self.kernel.digest} {bias} {self.compute}"

    def read(self) -> np.ndarray:
        return np.concatenate([values for _, values in self.pieces()]).reshape(self.shape)

    def pieces(self) -> Iterator[tuple[int, np.ndarray]]:
        kernel = self._wide(self.kernel.read())
        bias = 0.0 if self.bias is None else self._wide(self.bias.read())
        units = self.shape[1]
        size = max(1, _SLAB_ELEMENTS // units)
        start = 0
        for block in self.rows.blocks():
            for first in range(0, len(block), size):
                values = self._sums(self._wide(block[first : first + size]), kernel, bias)
                yield start, values.reshape(-1)
                start += values.size

    # What overflows is infinite, as it is in Keras.
    @np.errstate(all="ignore")
    def _sums(self, rows: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float) -> np.ndarray:
        sums = np.zeros((len(rows), kernel.shape[1]))
        for column, row in zip(rows.T, kernel, strict=True):
            sums += column[:, None] * row
        return (sums + bias).astype(numpy_dtype(self.dtype))

    @np.errstate(all="ignore")
    def _wide(self, values: np.ndarray) -> np.ndarray:
        return values.astype(numpy_dtype(self.compute)).astype(np.float64)
