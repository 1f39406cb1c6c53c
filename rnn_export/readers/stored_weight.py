"""A weight that stays in its file until it is asked for: plain bytes at a known place, HDF5 or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from rnn_export.errors import ReadError
from rnn_export.network.weight import BLOCK_BYTES, digest_blocks, row_blocks


class StoredWeight:
    """A contiguous array inside a file; pickles as its place, not its values.

    Args:
        path: the file, absolute.
        offset: where its bytes begin.
        shape: its shape.
        dtype: as it is handed out: native byte order.
        stored: as it lies in the file.
        stamp: (size, mtime in ns) of the file when it was read.
    """

    def __init__(
        self,
        path: Path,
        offset: int,
        shape: tuple[int, ...],
        dtype: np.dtype,
        stored: np.dtype,
        stamp: tuple[int, int],
    ) -> None:
        self._path = path
        self._offset = offset
        self._shape = shape
        self._dtype = dtype
        self._stored = stored
        self._stamp = stamp

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def dtype(self) -> np.dtype:
        return self._dtype

    @property
    def digest(self) -> str:
        return self._survey[0]

    @property
    def nonfinite(self) -> tuple[int, ...] | None:
        """The place of the first NaN or infinity, None if there is none."""
        return self._survey[1]

    @cached_property
    def _survey(self) -> tuple[str, tuple[int, ...] | None]:
        """The digest and the first entry that is not finite, in one pass: the file may be large."""
        found: tuple[int, ...] | None = None

        def looked_at() -> Iterator[np.ndarray]:
            nonlocal found
            start = 0
            for block in self.blocks():
                if found is None:
                    found = first_nonfinite(block, start)
                start += block.shape[0]
                yield block

        large = np.prod(self._shape, dtype=np.int64) * self._dtype.itemsize > BLOCK_BYTES
        blocks = ahead(looked_at()) if large else looked_at()
        digest = digest_blocks(self._shape, self._dtype, blocks)
        return digest, found

    def read(self) -> np.ndarray:
        """Return the whole array, read-only.

        Raises:
            ReadError: the file is gone or has changed.
        """
        values = np.empty(self._shape, self._dtype)
        for (start, stop), block in zip(
            row_blocks(self._shape, self._dtype), self.blocks(), strict=True
        ):
            values[start:stop] = block
        values.setflags(write=False)
        return values

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield slices of the first axis.

        Raises:
            ReadError: the file is gone or has changed.
        """
        row = int(np.prod(self._shape[1:], dtype=np.int64))
        try:
            with open(self._path, "rb") as file:
                if stamp_of(file.fileno()) != self._stamp:
                    raise self._changed("another one")
                for start, stop in row_blocks(self._shape, self._dtype):
                    file.seek(self._offset + start * row * self._stored.itemsize)
                    block = np.empty((stop - start, *self._shape[1:]), self._stored)
                    if file.readinto(block.reshape(-1).view(np.uint8).data) != block.nbytes:
                        raise self._changed("a shorter one")
                    if self._stored.isnative:
                        yield block.view(self._dtype)
                    else:
                        yield block.astype(self._dtype)
        except OSError as error:
            raise self._changed(f"none that can be read ({error.strerror})") from None

    def _changed(self, got: str) -> ReadError:
        return ReadError(
            str(self._path),
            expected="the file that was read before",
            got=got,
            advice="Read the model again.",
        )

    def __repr__(self) -> str:
        return f"StoredWeight(shape={self._shape}, dtype={self._dtype}, in={self._path.name!r})"


def ahead(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield blocks while a thread makes the next one: reading and hashing both leave Python's lock."""
    # Most models are small and never come here.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = worker.submit(next, blocks, None)
            yield block


def first_nonfinite(block: np.ndarray, start: int) -> tuple[int, ...] | None:
    """Return the place of the first NaN or infinity, None if there is none.

    Args:
        block: a slice of the first axis.
        start: where it begins on that axis.
    """
    finite = np.isfinite(block)
    if finite.all():
        return None
    row, *rest = (int(index) for index in np.argwhere(~finite)[0])
    return (start + row, *rest)


def stamp_of(descriptor: int) -> tuple[int, int]:
    """Return (size, mtime in ns) of an open file."""
    facts = os.fstat(descriptor)
    return facts.st_size, facts.st_mtime_ns
