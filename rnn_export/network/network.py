"""The framework-neutral description that everything else works on: frozen, complete, with a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property

from rnn_export.network.call import Call, Op
from rnn_export.network.ops import Cell, Recurrent
from rnn_export.network.tensor import Port, Spec, Tensor, TensorId
from rnn_export.network.weight import Weight


@dataclass(frozen=True)
class Source:
    """Where a network came from; for people, never part of its digest.

    Args:
        kind: "keras-file", "h5-file", "live-model", "preset", "toml" or "python".
        name: the model's own name, or the preset's.
        location: the file as the user gave it; "" if there is none.
        facts: versions and other notes ("keras_version", "3.15.1").
    """

    kind: str
    name: str
    location: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Stream:
    """A state that outlives the call: the cell ``path`` starts from port ``input`` and leaves port ``output``."""

    path: str
    input: str
    output: str


@dataclass(frozen=True)
class Network:
    """Calls in an order in which they can run, the tensors between them, and the ports to the outside.

    Args:
        inputs: ports in Keras' order.
        outputs: ports in Keras' order, names unique.
        tensors: every tensor, in order of making; inputs first.
        calls: in running order.
        streams: states carried from one run to the next, each also an input and an output port.
        source: where it came from.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    tensors: tuple[Tensor, ...]
    calls: tuple[Call, ...]
    streams: tuple[Stream, ...] = ()
    source: Source = field(default=Source("python", ""), compare=False)

    @cached_property
    def _specs(self) -> dict[TensorId, Spec]:
        return {tensor.id: tensor.spec for tensor in self.tensors}

    def spec(self, tensor: TensorId) -> Spec:
        """Return shape and dtype of a tensor."""
        return self._specs[tensor]

    @cached_property
    def digest(self) -> str:
        """The sha256 of the canonical description and the weights: equal for equal networks from any source.

        Tensor names are replaced by their order of making; source and hints do not count.
        """
        return hashlib.sha256(json.dumps(describe(self), sort_keys=True).encode()).hexdigest()

    @property
    def parameters(self) -> int:
        """The number of weights, each shared one counted once (by digest, shape and place of first use)."""
        seen: set[int] = set()
        total = 0
        for _, weight in self.weights():
            if id(weight) not in seen:
                seen.add(id(weight))
                size = 1
                for axis in weight.shape:
                    size *= axis
                total += size
        return total

    def weights(self) -> Iterator[tuple[str, Weight]]:
        """Yield ("encoder/rnn/kernel", weight) for every call, in order; a shared layer's weights come again."""
        for call in self.calls:
            yield from op_weights(call.op, call.layer)

    def recurrent(self) -> tuple[Call, ...]:
        """Return the calls that run over time."""
        return tuple(call for call in self.calls if isinstance(call.op, Recurrent))

    def __repr__(self) -> str:
        ports = (
            ", ".join(port.name for port in self.inputs)
            + " -> "
            + ", ".join(p.name for p in self.outputs)
        )
        return f"<Network {self.source.name!r}: {ports}, {len(self.calls)} calls, {self.parameters:,} parameters>"


def op_weights(op: Op | Cell, layer: str) -> Iterator[tuple[str, Weight]]:
    """Yield (path, weight) of one op."""
    for item in fields(op):  # type: ignore[arg-type]
        value = getattr(op, item.name)
        if isinstance(op, Recurrent) and item.name == "cells":
            for cell in op.cells:
                yield from op_weights(cell, f"{layer}/{cell.name}" if cell.name else layer)
        elif isinstance(value, Weight):
            yield f"{layer}/{item.name}", value


def describe(network: Network) -> dict[str, object]:
    """Return the canonical description: plain JSON, weights by shape, dtype and digest, tensors by number."""
    number = {tensor.id: index for index, tensor in enumerate(network.tensors)}

    def plain(value: object) -> object:
        if isinstance(value, Weight):
            return {
                "shape": list(value.shape),
                "dtype": value.dtype.name,
                "digest": value.digest,
            }
        if is_dataclass(value):
            inside = {
                item.name: plain(getattr(value, item.name))
                for item in fields(value)
                if item.compare
            }
            return {"is": type(value).__name__, **inside}
        if isinstance(value, (tuple, list)):
            return [plain(item) for item in value]
        if isinstance(value, float):
            return value.hex()
        return value

    def call(item: Call) -> dict[str, object]:
        return {
            "path": item.path,
            "op": plain(item.op),
            "inputs": [number[tensor] for tensor in item.inputs],
            "outputs": [number[tensor] for tensor in item.outputs],
            "dtype": item.dtype,
            "mask": None if item.mask is None else number[item.mask],
            "initial": [number[tensor] for tensor in item.initial],
        }

    return {
        "inputs": [[port.name, number[port.tensor]] for port in network.inputs],
        "outputs": [[port.name, number[port.tensor]] for port in network.outputs],
        "tensors": [[list(tensor.spec.shape), tensor.spec.dtype] for tensor in network.tensors],
        "calls": [call(item) for item in network.calls],
        "streams": [plain(item) for item in network.streams],
    }
