"""A span of a file as a file of its own: HDF5 is read where it lies, and never sees a heap that it would not leave.

HDF5 (1.14.6 at least) walks the objects of a global heap by the sizes that they state, and goes round for ever over
an object of size 0. Nothing can end that but killing the process, so such a heap is shown to it as empty bytes,
which it refuses by itself.

Source: HDF5 File Format Specification, III.E "Disk Format: Level 1E - Global Heap"
"""

from __future__ import annotations

import io
import os
import struct

_HEAP = b"GCOL"
_HEAD = struct.Struct("<4sB3xQ")
_OBJECT = struct.Struct("<HHLQ")
_ALIGNED = 8
LARGEST_HEAP = 16 * 2**20
"""Bytes. It holds the text of attributes, which must be below `Limits.config_bytes`."""
MOST_OBJECTS = 2**16
"""Their numbers have 16 bits."""


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
        if view[: len(_HEAP)] == _HEAP and not self._ends(begin):
            view[:count] = bytes(count)
        self._at += count
        return count

    def bytes_at(self, at: int, size: int) -> bytes:
        """Return ``size`` bytes from ``at`` on, or as many as there are."""
        self._file.seek(self._start + at)
        return self._file.read(max(0, min(size, self._size - at)))

    def close(self) -> None:
        self._file.close()
        super().close()

    def _ends(self, at: int) -> bool:
        """Tell whether a walk over the objects of the heap at ``at`` comes to its end."""
        head = self.bytes_at(at, _HEAD.size)
        if len(head) < _HEAD.size:
            return False
        size: int = _HEAD.unpack(head)[2]
        if size > LARGEST_HEAP:
            return False
        heap = self.bytes_at(at, size)
        place = _HEAD.size
        for _ in range(MOST_OBJECTS + 1):
            # What is left may be too small for one more.
            if place + _OBJECT.size > size:
                return len(heap) == size
            if place + _OBJECT.size > len(heap):
                return False
            number, _, _, held = _OBJECT.unpack_from(heap, place)
            # Object 0 is the free space, and counts its own head.
            taken = held if number == 0 else _OBJECT.size + -(-held // _ALIGNED) * _ALIGNED
            if taken < _OBJECT.size:
                return False
            place += taken
        return False
