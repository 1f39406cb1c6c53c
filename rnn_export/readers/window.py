"""A span of a file as a file of its own: HDF5 is read where it lies, and never sees a heap that it would not leave.

HDF5 (1.14.6 at least) walks the objects of a global heap by the sizes that they state, and the free blocks of a local
heap by the places that they name, and goes round for ever where those lead back. Nothing can end that but killing the
process, so every heap in what HDF5 reads is walked here first.

Source: HDF5 File Format Specification, III.D "Local Heaps" and III.E "Global Heap"
"""

from __future__ import annotations

import io
import os
import re
import struct

_MARK = re.compile(rb"HEAP\0{4}|GCOL\x01\0{3}")
_HEAD = struct.Struct("<8xQ")
_LOCAL = struct.Struct("<8x3Q")
_OBJECT = struct.Struct("<HHLQ")
_BLOCK = struct.Struct("<2Q")
_LAST = 1
"""Place of the free block that follows the last."""
_ALIGNED = 8
_MARK_BYTES = 8
LARGEST_HEAP = 16 * 2**20
"""Bytes. It holds the text of attributes, which must be below `Limits.config_bytes`."""
MOST_STEPS = 2**17
"""Heaps, and what is in them, over a whole file. What Keras saves has an object for each text, and few free blocks."""


class Window(io.RawIOBase):
    """Bytes ``start`` to ``start + size`` of a file.

    Args:
        file: open for reading; closed with this one.
        start, size: in bytes.
    """

    def __init__(self, file: io.BufferedReader | io.BytesIO, start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._size = size
        self._at = 0
        self._walked: set[int] = set()
        self._steps = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        begin = self._at
        self._file.seek(self._start + begin)
        count = self._file.readinto(view[: max(0, min(len(view), self._size - begin))])
        self._walk_heaps(begin, count)
        self._at += count
        return count

    def bytes_at(self, at: int, size: int) -> bytes:
        """Return ``size`` bytes from ``at`` on, or as many as there are."""
        self._file.seek(self._start + at)
        return self._file.read(max(0, min(size, self._size - at)))

    def close(self) -> None:
        self._file.close()
        super().close()

    def _walk_heaps(self, begin: int, count: int) -> None:
        """Raise ValueError if a heap that starts among these bytes cannot be walked to its end.

        HDF5 may read a heap in two parts, so the bytes around are looked at too.
        """
        around = _MARK_BYTES - 1
        start = max(0, begin - around)
        for found in _MARK.finditer(self.bytes_at(start, begin - start + count + around)):
            at = start + found.start()
            if at in self._walked:
                continue
            self._walked.add(at)
            self._step()
            if found[0].startswith(b"GCOL"):
                self._walk_global(at)
            else:
                self._walk_local(at)

    def _walk_global(self, at: int) -> None:
        """Raise ValueError unless the objects of the heap lie one behind the other."""
        (size,) = _HEAD.unpack(self._head(at, _HEAD.size))
        if size > min(LARGEST_HEAP, self._size - at):
            raise ValueError("a heap that breaks off, or is too large")
        place = 16
        # What is left may be too small for one more.
        while place + _OBJECT.size <= size:
            self._step()
            number, _, _, held = _OBJECT.unpack(self.bytes_at(at + place, _OBJECT.size))
            # Object 0 is the free space, and counts its own head.
            taken = held if number == 0 else _OBJECT.size + -(-held // _ALIGNED) * _ALIGNED
            if taken < _OBJECT.size or place + taken > size:
                raise ValueError("a heap with an object of no size, or one beyond its end")
            place += taken

    def _walk_local(self, at: int) -> None:
        """Raise ValueError if the free blocks of the heap lead back to one of them."""
        size, block, place = _LOCAL.unpack(self._head(at, _LOCAL.size))
        seen: set[int] = set()
        # A layer may be called HEAP: what leads out of the file is left to HDF5, which refuses it in a heap.
        while block != _LAST and block + _BLOCK.size <= size and place + block < self._size:
            self._step()
            if block in seen:
                raise ValueError("a heap whose free blocks go round")
            seen.add(block)
            block, _ = _BLOCK.unpack(self._head(place + block, _BLOCK.size))

    def _head(self, at: int, size: int) -> bytes:
        return self.bytes_at(at, size).ljust(size, b"\0")

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise ValueError("too many objects in heaps")
