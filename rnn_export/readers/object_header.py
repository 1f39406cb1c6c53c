"""How much text the attributes of an HDF5 object say they have, before HDF5 makes room for it.

HDF5 believes the length that stands beside a text of variable length, and fills as many bytes with zeros, up to 4 GB
for each, before it finds that there is no such text. So the lengths are read here first.

Source: HDF5 File Format Specification, IV.A "Disk Format: Level 2A - Data Object Headers"
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

Bytes = Callable[[int, int], bytes]
"""The bytes of the file from an offset on, as many as asked for or as there are."""

_ATTRIBUTE, _CONTINUATION, _ATTRIBUTE_INFO = 0x0C, 0x10, 0x15
_NOWHERE = b"\xff" * 8
_VARIABLE = 9
"""Class of a datatype whose values stand in a heap: a length in 4 bytes, and the place in 12."""
_REFERENCE = 16
_SHARED = 2
_MOST_BYTES = 2**24


def text_bytes(read: Bytes, address: int) -> int:
    """Return the bytes of all texts of variable length in the attributes of the object whose header is at ``address``.

    Raises:
        ValueError: a header that cannot be followed, or attributes in a form that Keras' files do not have.
    """
    total = 0
    for kind, flags, body in _messages(read, address):
        if kind == _ATTRIBUTE_INFO:
            heap = 4 if body[1:2] and body[1] & 1 else 2
            if body[heap : heap + 8] != _NOWHERE:
                raise ValueError("attributes that are stored apart")
        if kind == _ATTRIBUTE:
            if flags & _SHARED:
                raise ValueError("an attribute that is shared")
            total += _text_bytes(body)
    return total


def _messages(read: Bytes, address: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield kind, flags and content of each message of a header, wherever its parts lie."""
    start = read(address, 32).ljust(32, b"\0")
    if start.startswith(b"OHDR"):
        version, flags = start[4], start[5]
        at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(read(address + at, width), "little")
        head, waiting = (6 if flags & 4 else 4), [(address + at + width, size)]
    else:
        version, size = struct.unpack("<B7xL4x", start[:16])
        head, waiting = 8, [(address + 16, size)]
    if version != (2 if head < 8 else 1):
        raise ValueError(f"an object header of version {version}")
    left = _MOST_BYTES
    while waiting:
        place, size = waiting.pop()
        left -= max(size, 1)
        if left < 0:
            raise ValueError("an object header without end")
        part = read(place, size)
        at = 0
        while at + head <= len(part):
            if head == 8:
                kind, length, flags = struct.unpack_from("<HHB", part, at)
            else:
                kind, length, flags = struct.unpack_from("<BHB", part, at)
            body = part[at + head : at + head + length]
            at += head + length
            if kind == _CONTINUATION and len(body) >= 16:
                following, size = struct.unpack_from("<QQ", body)
                # Version 2 has a mark before the messages and a checksum behind them.
                waiting.append(
                    (following, size) if head == 8 else (following + 4, max(size - 8, 0))
                )
            yield kind, flags, body


def _text_bytes(body: bytes) -> int:
    """Return the bytes of text that an attribute names."""
    if len(body) < 9:
        raise ValueError("an attribute that breaks off")
    version, flags, *sizes = struct.unpack_from("<BBHHH", body)
    if version not in (1, 2, 3) or (version > 1 and flags & 3):
        raise ValueError("an attribute of a type that is shared")
    if version == 1:
        # Each part fills whole words of 8 bytes.
        sizes = [-(-size // 8) * 8 for size in sizes]
    kind = (9 if version == 3 else 8) + sizes[0]
    if kind >= len(body) or body[kind] & 15 != _VARIABLE:
        return 0
    values = body[kind + sizes[1] + sizes[2] :]
    whole = len(values) // _REFERENCE * _REFERENCE
    return sum(length for length, _, _ in struct.iter_unpack("<LQL", values[:whole]))
