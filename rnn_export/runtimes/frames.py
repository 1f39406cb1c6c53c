"""The worker's language: frames of a JSON header and raw array bytes; no pickle, no text that chatter could break.

A frame is MAGIC, the header's length (8 bytes, big-endian), the header (UTF-8 JSON), and the bytes of each
array in order, C-contiguous, in the machine's own byte order (both ends of a pipe are on one machine).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

MAGIC = b"RNNX"
PREFIX = struct.Struct(">4sQ")
HEADER_LIMIT = 64 * 2**20
"""Bytes; a longer header is garbage, and must not be believed and allocated."""

Header = dict[str, Any]


class Pipe(Protocol):
    """An unbuffered end of a pipe; io.FileIO is one."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...
    def write(self, data: memoryview, /) -> int | None: ...


class BadFrame(Exception):
    """Bytes that are no frame: something else wrote into the pipe. Nothing after them can be believed."""


class NoDtype(Exception):
    """An array whose dtype cannot travel, or is unknown in this environment; the pipe stays in step."""


def write(pipe: Pipe, header: Header, arrays: Mapping[str, np.ndarray]) -> None:
    """Write one frame; big arrays go out of their own memory, uncopied where contiguous.

    Args:
        pipe: where to; a short write is continued.
        header: JSON values; the key "arrays" is taken.
        arrays: any numeric or bool dtype, ml_dtypes' too; any shape, 0-d and empty included.

    Raises:
        NoDtype: an array of objects, strings or records; nothing has been written.
        OSError: the other end is gone.
    """
    # Everything is made ready before the first byte goes out: half a frame could not be taken back.
    packed = [(name, array, as_bytes(name, array)) for name, array in arrays.items()]
    described = [
        [name, array.dtype.name, list(array.shape), len(data)] for name, array, data in packed
    ]
    head = json.dumps({**header, "arrays": described}).encode()
    _write_all(pipe, memoryview(PREFIX.pack(MAGIC, len(head)) + head))
    for _, _, data in packed:
        _write_all(pipe, data)


def read(pipe: Pipe) -> tuple[Header, dict[str, np.ndarray]]:
    """Read one frame; arrays are read straight into their own memory.

    Raises:
        EOFError: the other end is closed, before or within the frame.
        BadFrame: other bytes than a frame.
        NoDtype: a dtype that this environment lacks (bfloat16 without ml_dtypes); the frame has been read whole.
    """
    prefix = _read_exactly(pipe, PREFIX.size)
    magic, length = PREFIX.unpack(prefix.data)
    if magic != MAGIC or length > HEADER_LIMIT:
        raise BadFrame(f"expected a frame, got bytes {prefix.tobytes()!r}")
    try:
        header = json.loads(_read_exactly(pipe, length).tobytes())
        described = [
            (name, dtype, tuple(shape), int(size))
            for name, dtype, shape, size in header.pop("arrays")
        ]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadFrame(f"expected a header, got {error}") from error
    raw = [
        (name, dtype, shape, _read_exactly(pipe, size)) for name, dtype, shape, size in described
    ]
    return header, {
        name: data.view(dtype_named(dtype)).reshape(shape) for name, dtype, shape, data in raw
    }


def as_bytes(name: str, array: np.ndarray) -> memoryview:
    """Return an array's bytes in C order and native byte order, as a view where it has them so already.

    Raises:
        NoDtype: a dtype that has no plain bytes.
    """
    # ml_dtypes' numbers may be of kind "V"; plain void and records are too, but have a name of their own.
    if (
        array.dtype.hasobject
        or array.dtype.kind in "SUMm"
        or array.dtype.name.startswith(("void", "record"))
    ):
        raise NoDtype(f"array {name!r}: expected numbers or booleans, got dtype {array.dtype}")
    # ascontiguousarray would make a 0-d array 1-d; its shape is described before this, so only bytes matter.
    plain = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    # Through uint8, since float16's and bfloat16's buffers are foreign to memoryview.
    return plain.reshape(-1).view(np.uint8).data


def dtype_named(name: str) -> np.dtype:
    """Return the dtype of this name, NumPy's or ml_dtypes' (which is imported only then).

    Raises:
        NoDtype: neither knows it, or ml_dtypes is missing in this environment.
    """
    try:
        return np.dtype(name)
    except TypeError:
        pass
    try:
        import ml_dtypes

        found: np.dtype = np.dtype(getattr(ml_dtypes, name))
        return found
    except (ImportError, AttributeError) as error:
        raise NoDtype(
            f"dtype {name!r}: expected one of NumPy's or ml_dtypes', got {error}"
        ) from error


def _write_all(pipe: Pipe, data: memoryview) -> None:
    while data:
        data = data[pipe.write(data) or 0 :]


def _read_exactly(pipe: Pipe, size: int) -> np.ndarray:
    # NumPy's memory, not a bytearray: it is not zeroed first, and is aligned for any dtype.
    buffer = np.empty(size, np.uint8)
    rest = buffer.data
    while rest:
        count = pipe.readinto(rest)
        if not count:
            raise EOFError("the other end of the pipe is closed")
        rest = rest[count:]
    return buffer
