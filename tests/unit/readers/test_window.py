"""Heaps that HDF5 would not leave are refused before it sees them, and looking for them ends."""

from __future__ import annotations

import io
import struct
import time

import pytest

from rnn_export.readers.window import MOST_STEPS, Window

SECONDS = 5.0
"""Of a hostile file, at most (docs/robustness.md)."""


def read(data: bytes) -> bytes:
    with Window(io.BytesIO(data), 0, len(data)) as window:
        return window.read()


def heap(size: int, *objects: tuple[int, int]) -> bytes:
    """Return a global heap that says it has a size, and objects of a number and a size."""
    head = struct.pack("<4sB3xQ", b"GCOL", 1, size)
    return head + b"".join(struct.pack("<HHLQ", number, 1, 0, held) for number, held in objects)


def free(size: int, first: int, *following: int, start: int = 0) -> bytes:
    """Return a local heap, at ``start`` in its file, of free blocks of 16 bytes; each names the next."""
    blocks = b"".join(struct.pack("<2Q", place, 16) for place in following)
    return struct.pack("<4sB3x3Q", b"HEAP", 0, size, first, start + 32) + blocks


SOUND = {
    "objects that fill it": heap(56, (1, 8), (0, 16)) + bytes(8),
    "free blocks to their end": free(32, 0, 16, 1),
    "a layer of that name": b"HEAP" + bytes(60),
}
UNSOUND = {
    "an object of no size": heap(64, (0, 0)) + bytes(64),
    "a size that wraps around": heap(64, (1, 2**64 - 16)) + bytes(64),
    "broken off": heap(4096, (0, 4080)),
    "free blocks that go round": free(32, 0, 16, 0, start=8),
}


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND)
def test_a_sound_heap_is_read(data: bytes) -> None:
    assert read(data) == data


@pytest.mark.parametrize("data", UNSOUND.values(), ids=UNSOUND)
def test_an_unsound_heap_is_refused_wherever_a_read_begins(data: bytes) -> None:
    for start in range(9):
        with Window(io.BytesIO(bytes(8) + data), 0, 8 + len(data)) as window:
            window.seek(start + 4)
            with pytest.raises(ValueError, match="heap"):
                window.read(len(data))


def test_a_file_full_of_heaps_is_refused_in_time() -> None:
    size = 64 * MOST_STEPS
    # Each reaches to the end of the file: to read them all whole would be to read a terabyte.
    data = b"".join(heap(size - at, (0, size - at - 16)) for at in range(0, size, 32))
    begun = time.process_time()
    with pytest.raises(ValueError, match="too many objects in heaps"):
        read(data)
    assert time.process_time() - begun < SECONDS
