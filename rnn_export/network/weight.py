"""Weights that are known (shape, dtype, digest) before they are read, so that a network may be larger than memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

BLOCK_BYTES = 16 * 2**20


@runtime_checkable
class Weight(Protocol):
    """A tensor in Keras layout, lazily read.

    ``shape`` and ``dtype`` cost nothing; ``digest`` may read the values once, in blocks.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype: ...
    @property
    def digest(self) -> str: ...
    def read(self) -> np.ndarray:
        """Return the whole tensor, C-contiguous, in its own dtype."""
        ...

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the tensor in consecutive slices of its first axis, about BLOCK_BYTES each."""
        ...


class ArrayWeight:
    """A weight held in memory.

    Args:
        values: any shape and numeric dtype; kept as a read-only C-contiguous copy.
    """

    def __init__(self, values: np.ndarray) -> None:
        self._values = np.array(values, order="C", copy=True)
        self._values.setflags(write=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._values.shape

    @property
    def dtype(self) -> np.dtype:
        return self._values.dtype

    @cached_property
    def digest(self) -> str:
        return digest_blocks(self.shape, self.dtype, self.blocks())

    def read(self) -> np.ndarray:
        return self._values

    def blocks(self) -> Iterator[np.ndarray]:
        for start, stop in row_blocks(self.shape, self.dtype):
            yield self._values[start:stop]

    def __repr__(self) -> str:
        return f"ArrayWeight(shape={self.shape}, dtype={self.dtype}, digest={self.digest[:12]})"


def row_blocks(shape: tuple[int, ...], dtype: np.dtype) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) along the first axis in pieces of about BLOCK_BYTES."""
    if not shape:
        raise ValueError("a weight has at least one axis")
    row = max(1, int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize)
    step = max(1, BLOCK_BYTES // row)
    for start in range(0, shape[0], step):
        yield start, min(start + step, shape[0])


def digest_blocks(shape: tuple[int, ...], dtype: np.dtype, blocks: Iterator[np.ndarray]) -> str:
    """Return the sha256 of dtype, shape and little-endian C-order bytes: equal for equal weights, wherever kept."""
    state = hashlib.sha256(f"{dtype.name}{list(shape)}".encode())
    for block in blocks:
        native = np.ascontiguousarray(block)
        if native.dtype.byteorder == ">":
            native = native.astype(native.dtype.newbyteorder("<"))
        state.update(native.reshape(-1).view(np.uint8).data)
    return state.hexdigest()
