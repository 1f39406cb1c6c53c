"""Initializers that are described before they are read, so that weights larger than memory can be written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Protocol

import numpy as np

from rnn_export.network import Weight
from rnn_export.network.dtypes import numpy_dtype

# Rows of a weight that are transposed at once; the transposed copy takes as much again.
_SLAB_BYTES = 32 * 2**20


class Stored(Protocol):
    """The values of one initializer; ``key`` is equal for equal values and known without reading them."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def key(self) -> str: ...
    def read(self) -> np.ndarray:
        """Return the values, C-contiguous."""
        ...

    def pieces(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (element offset, contiguous values) that together fill the tensor once."""
        ...


def nbytes(stored: Stored) -> int:
    """Return the size of an initializer in bytes."""
    return prod(stored.shape) * numpy_dtype(stored.dtype).itemsize


class Fixed:
    """Values that are in memory already: shapes, axes, biases."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = np.asarray(values, order="C")

    @property
    def shape(self) -> tuple[int, ...]:
        return self._values.shape

    @property
    def dtype(self) -> str:
        return self._values.dtype.name

    @cached_property
    def key(self) -> str:
        return hashlib.sha256(
            f"{self.dtype}{self.shape}".encode() + self._values.tobytes()
        ).hexdigest()

    def read(self) -> np.ndarray:
        return self._values

    def pieces(self) -> Iterator[tuple[int, np.ndarray]]:
        yield 0, self._values.reshape(-1)


@dataclass(frozen=True)
class Laid:
    """A weight as the graph wants it: rounded to the compute dtype, scaled, transposed, with leading axes of 1.

    Args:
        weight: in Keras layout.
        compute: the dtype the call computes in; the weight is rounded to it first.
        dtype: the dtype that is stored.
        scale: factor, applied in ``dtype``; 1 leaves the values bit for bit.
        transpose: swap the two axes.
        leading: axes of size 1 put before the others.
    """

    weight: Weight
    compute: str
    dtype: str
    scale: float = 1.0
    transpose: bool = False
    leading: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        inner = self.weight.shape[::-1] if self.transpose else self.weight.shape
        return (1,) * self.leading + inner

    @property
    def key(self) -> str:
        how = f"{self.compute} {self.dtype} {self.scale.hex()} {self.transpose} {self.leading}"
        return f"{self.weight.digest} {how}"

    def read(self) -> np.ndarray:
        values = self._cast(self.weight.read())
        return np.ascontiguousarray(values.T if self.transpose else values).reshape(self.shape)

    def pieces(self) -> Iterator[tuple[int, np.ndarray]]:
        if not self.transpose:
            start = 0
            for block in self.weight.blocks():
                yield start, self._cast(block).reshape(-1)
                start += block.size
            return
        rows, columns = self.weight.shape
        first = 0
        for slab in _slabs(self.weight):
            turned = np.ascontiguousarray(self._cast(slab).T)
            if len(slab) == rows:
                yield 0, turned.reshape(-1)
            else:
                for column in range(columns):
                    yield column * rows + first, turned[column]
            first += len(slab)

    def _cast(self, values: np.ndarray) -> np.ndarray:
        rounded = values.astype(numpy_dtype(self.compute), copy=False)
        stored = rounded.astype(numpy_dtype(self.dtype), copy=False)
        return stored if self.scale == 1.0 else stored * stored.dtype.type(self.scale)


def _slabs(weight: Weight) -> Iterator[np.ndarray]:
    """Yield the rows of ``weight`` in order, about _SLAB_BYTES each; a slab is overwritten by the next one."""
    rows, columns = weight.shape
    count = min(rows, max(1, _SLAB_BYTES // (columns * weight.dtype.itemsize)))
    slab = np.empty((count, columns), weight.dtype)
    held = 0
    for block in weight.blocks():
        taken = 0
        while taken < len(block):
            size = min(count - held, len(block) - taken)
            slab[held : held + size] = block[taken : taken + size]
            held, taken = held + size, taken + size
            if held == count:
                yield slab
                held = 0
    if held:
        yield slab[:held]


@dataclass(frozen=True)
class Joined:
    """Several initializers of equal shape behind one another along axis 0 (the directions of an RNN node)."""

    parts: tuple[Stored, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        first = self.parts[0].shape
        return (sum(part.shape[0] for part in self.parts), *first[1:])

    @property
    def dtype(self) -> str:
        return self.parts[0].dtype

    @property
    def key(self) -> str:
        return "joined " + " | ".join(part.key for part in self.parts)

    def read(self) -> np.ndarray:
        return np.concatenate([part.read() for part in self.parts])

    def pieces(self) -> Iterator[tuple[int, np.ndarray]]:
        start = 0
        for part in self.parts:
            for offset, values in part.pieces():
                yield start + offset, values
            start += prod(part.shape)
