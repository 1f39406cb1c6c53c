"""A look through Protobuf's bytes before they are parsed: how many fields, how deep, is all text UTF-8.

Parsing comes too late for that: a file of 5 MB can hold two million empty nodes, which take a gigabyte once
they are objects, and text that is no UTF-8 shows only when it is asked for.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rnn_export.errors import ReadError
from rnn_export.workflows.onnx_input.limits import OnnxLimits

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}
_MESSAGE, _STRING = 11, 9
"""Numbers of field types in a descriptor."""


def look_through(data: bytes, subject: str, limits: OnnxLimits) -> None:
    """Raise ReadError unless the bytes can be a model and stay within the limits.

    Args:
        data: the whole file.
        subject: the file, for errors.
        limits: what to accept.
    """
    from onnx import ModelProto

    try:
        _walk(data, ModelProto.DESCRIPTOR, subject, limits)
    except (IndexError, UnicodeDecodeError):
        raise not_onnx(subject, "other bytes, or a part of one") from None


def not_onnx(subject: str, got: str) -> ReadError:
    """Return the error for bytes that are no ONNX model."""
    return ReadError(subject, expected="an ONNX model", got=got, advice="Export it again.")


def _walk(data: bytes, top: Descriptor, subject: str, limits: OnnxLimits) -> None:
    at, end, kind = 0, len(data), top
    outer: list[tuple[int, Descriptor]] = []
    messages, texts = _fields(top)
    count = 0
    while True:
        while at >= end:
            if at > end:
                raise IndexError
            if not outer:
                return
            end, kind = outer.pop()
            messages, texts = _fields(kind)
        count += 1
        if count > limits.fields:
            limits.hold("fields", count, subject, "fields")
        key, at = _number(data, at)
        wire, field = key & 7, key >> 3
        if wire == _VARINT:
            _, at = _number(data, at)
        elif wire in _FIXED:
            at += _FIXED[wire]
        elif wire == _BYTES:
            size, at = _number(data, at)
            if at + size > end:
                raise IndexError
            inner = messages.get(field)
            if inner is not None:
                outer.append((end, kind))
                limits.hold("depth", len(outer), subject, "levels of nesting")
                end, kind = at + size, inner
                messages, texts = _fields(kind)
                continue
            if field in texts:
                data[at : at + size].decode()
            at += size
        else:
            # Groups, which ONNX has none of.
            raise IndexError


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number in Protobuf's variable length, and where the next field begins."""
    byte = data[at]
    if byte < 128:
        return byte, at + 1
    value, shift = byte & 127, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at + 1
        shift += 7
        if shift > 63:
            raise IndexError


@cache
def _fields(kind: Descriptor) -> tuple[dict[int, Descriptor], frozenset[int]]:
    """Return the fields of a message that are messages, by number, and the numbers of those that are text."""
    messages = {item.number: item.message_type for item in kind.fields if item.type == _MESSAGE}
    return messages, frozenset(item.number for item in kind.fields if item.type == _STRING)
