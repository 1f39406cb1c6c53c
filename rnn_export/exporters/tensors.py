"""Initializers as TensorProtos: inside the model, or as references into an external data file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from onnx import ModelProto, TensorProto

from rnn_export.exporters.elements import number
from rnn_export.exporters.stored import Stored, nbytes

INLINE_BYTES = 256 * 2**20
# Below this a tensor stays in the model even if others do not. So do integers: shape inference reads them.
_SMALL = 1024
_PAGE = 65536


class Place(NamedTuple):
    """A tensor's bytes in the external data file."""

    file: str
    offset: int
    size: int


def external_places(stored: Mapping[str, Stored]) -> Mapping[str, Place]:
    """Return where large initializers lie beside the model; none if all together are 256 MB at most.

    The file is named by what it holds: the digests of the weights, how each is laid out, and where. Large
    tensors begin at multiples of 64 KiB, so that runtimes can map them into memory on every system.
    """
    if sum(map(nbytes, stored.values())) <= INLINE_BYTES:
        return {}
    state = hashlib.sha256()
    spans: dict[str, tuple[int, int]] = {}
    end = 0
    for name, item in stored.items():
        size = nbytes(item)
        if size < _SMALL or item.dtype == "int64":
            continue
        align = _PAGE if size >= _PAGE else 64
        start = -(-end // align) * align
        spans[name] = (start, size)
        state.update(f"{start} {item.key}\n".encode())
        end = start + size
    file = f"{state.hexdigest()[:32]}.data"
    return {name: Place(file, *span) for name, span in spans.items()}


def filled(
    skeleton: ModelProto, stored: Mapping[str, Stored], places: Mapping[str, Place]
) -> ModelProto:
    """Return a copy of ``skeleton`` with its initializers: values, or references for those with a place."""
    model = ModelProto()
    model.CopyFrom(skeleton)
    for name, item in stored.items():
        tensor = model.graph.initializer.add()
        header(tensor, name, item)
        if name in places:
            refer(tensor, places[name])
        else:
            tensor.raw_data = item.read().tobytes()
    return model


def header(tensor: TensorProto, name: str, item: Stored) -> None:
    """Write everything but the values."""
    tensor.name = name
    tensor.data_type = number(item.dtype)
    tensor.dims.extend(item.shape)


def refer(tensor: TensorProto, place: Place) -> None:
    """Make ``tensor`` point into the data file."""
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": place.file, "offset": place.offset, "length": place.size}
    for key, value in entries.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
