"""A ModelProto's bytes without the ModelProto: weights go from their source to the file in pieces.

The bytes are those of ``SerializeToString(deterministic=True)``: fields in the order of their numbers.

Source: onnx/onnx.proto (ModelProto, GraphProto, TensorProto); the protobuf wire format.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from onnx import GraphProto, ModelProto, TensorProto

from rnn_export.exporters.stored import Stored, nbytes
from rnn_export.exporters.tensors import Place, header, refer

_GRAPH = ModelProto.DESCRIPTOR.fields_by_name["graph"].number
_INITIALIZER = GraphProto.DESCRIPTOR.fields_by_name["initializer"].number
_RAW_DATA = TensorProto.DESCRIPTOR.fields_by_name["raw_data"].number


def write_model(
    file: BinaryIO, skeleton: ModelProto, stored: Mapping[str, Stored], places: Mapping[str, Place]
) -> None:
    """Write a model whose initializers are still described.

    Args:
        file: an empty file, opened for writing bytes.
        skeleton: the model without its initializers.
        stored: its initializers.
        places: those that lie in an external data file instead.
    """
    tensors = [_tensor(name, item, places.get(name)) for name, item in stored.items()]
    before, after = _around(skeleton.graph, _INITIALIZER)
    size = len(before) + sum(len(head) + raw for head, raw, _ in tensors) + len(after)
    first, last = _around(skeleton, _GRAPH)
    file.write(first + _tag(_GRAPH) + _varint(size) + before)
    for head, raw, item in tensors:
        file.write(head)
        if raw:
            write_pieces(file, item)
    file.write(after + last)


def write_pieces(file: BinaryIO, item: Stored) -> None:
    """Write the values of ``item`` where ``file`` stands, and go on behind them."""
    start = file.tell()
    file.flush()
    for offset, values in item.pieces():
        put(file.fileno(), values.data.cast("B"), start + offset * values.itemsize)
    file.seek(start + nbytes(item))


def put(descriptor: int, data: memoryview, position: int) -> None:
    """Write all of ``data`` at ``position``; the system may take it in parts."""
    while data:
        done = os.pwrite(descriptor, data, position)
        data, position = data[done:], position + done


def _tensor(name: str, item: Stored, place: Place | None) -> tuple[bytes, int, Stored]:
    """Return everything of an initializer's field before its values, and how many bytes of values follow."""
    tensor = TensorProto()
    header(tensor, name, item)
    if place is not None:
        refer(tensor, place)
        inside = tensor.SerializeToString(deterministic=True)
        return _tag(_INITIALIZER) + _varint(len(inside)) + inside, 0, item
    raw = nbytes(item)
    inside = tensor.SerializeToString(deterministic=True) + _tag(_RAW_DATA) + _varint(raw)
    return _tag(_INITIALIZER) + _varint(len(inside) + raw) + inside, raw, item


def _around(message: ModelProto | GraphProto, number: int) -> tuple[bytes, bytes]:
    """Return the bytes of the fields before and behind field ``number``."""
    before, after = copy.copy(message), copy.copy(message)
    for field, _ in message.ListFields():
        if field.number >= number:
            before.ClearField(field.name)
        if field.number <= number:
            after.ClearField(field.name)
    return before.SerializeToString(deterministic=True), after.SerializeToString(deterministic=True)


def _tag(number: int) -> bytes:
    """Return the tag of a length-delimited field."""
    return _varint(number << 3 | 2)


def _varint(value: int) -> bytes:
    return bytes(_septets(value))


def _septets(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
