"""A weight corrupted wherever a form has put it: as it is, transposed, as a block of a matrix, as part of a bias."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from onnx import GraphProto, ModelProto, TensorProto, numpy_helper

from rnn_export.builders.reference.rounding import rounded
from rnn_export.exporters import export
from rnn_export.network import Network, op_weights
from tests.mutants.kinds import Change, Choose, Rng
from tests.mutants.surgery import copied

FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)


@dataclass(frozen=True)
class OfWeight:
    """The corruption of one weight of the network, found in the file by its values.

    Args:
        path: of the weight, "rnn0/kernel".
        change: made to it in Keras layout.
    """

    path: str
    change: Choose

    def __call__(self, network: Network, model: ModelProto, rng: Rng) -> ModelProto:
        old = _weight(network, self.path)
        new = np.ascontiguousarray(self.change(old.copy(), rng))
        made = copied(model)
        count = sum(_replaced(tensor, old, new) for tensor in tensors(made.graph))
        if not count:
            raise LookupError(self.path)
        return made


@dataclass(frozen=True)
class OfNetwork:
    """The export of another network in place of the right one.

    Args:
        change: of the network.
        padding: as for `export`.
    """

    change: Callable[[Network], Network]
    padding: str = "any"

    def __call__(self, network: Network, form: str, time: int | None) -> ModelProto:
        made = export(self.change(network), form=form, time=time, padding=self.padding)
        return made.model


def whole(path: str, change: Change) -> OfWeight:
    """Return the corruption of a weight by a change that picks nothing."""
    return OfWeight(path, lambda values, rng: change(values))


def tensors(graph: GraphProto) -> Iterator[TensorProto]:
    """Yield every floating initializer and constant of a graph and of the graphs in it."""
    yield from (item for item in graph.initializer if item.data_type in FLOATS)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from tensors(attribute.g)
            elif attribute.HasField("t") and attribute.t.data_type in FLOATS:
                yield attribute.t


def _weight(network: Network, path: str) -> np.ndarray:
    for call in network.calls:
        for name, weight in op_weights(call.op, call.layer):
            if name == path:
                return rounded(weight.read(), call.dtype)
    raise KeyError(path)


def _replaced(tensor: TensorProto, old: np.ndarray, new: np.ndarray) -> int:
    """Put ``new`` where ``old`` stands in a tensor, and return how often it did."""
    held = numpy_helper.to_array(tensor).copy()
    count = 0
    for a, b in [(old, new)] if old.ndim == 1 else [(old, new), (old.T, new.T)]:
        if held.ndim < a.ndim or any(
            n < m for n, m in zip(held.shape[-a.ndim :], a.shape, strict=True)
        ):
            continue
        axes = tuple(range(held.ndim - a.ndim, held.ndim))
        same = sliding_window_view(held, a.shape, axes) == a.astype(held.dtype)
        for place in np.argwhere(same.all(axis=tuple(range(-a.ndim, 0)))):
            *lead, own = (*place[: held.ndim - a.ndim], place[held.ndim - a.ndim :])
            blocks = tuple(slice(at, at + size) for at, size in zip(own, a.shape, strict=True))
            held[(*lead, *blocks)] = b.astype(held.dtype)
            count += 1
        if count:
            break
    if count:
        tensor.CopyFrom(numpy_helper.from_array(held, tensor.name))
    return count
