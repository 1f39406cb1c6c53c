"""`inspect`: what is in a .keras, .h5 or .onnx file, without running anything of it."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np

from rnn_export.network import Call, Network, Port
from rnn_export.network.network import op_weights
from rnn_export.network.ops import Dense, Embedding, Recurrent
from rnn_export.workflows.inspected import KerasFacts, LayerFacts, OnnxFacts, PortFacts


def inspect(file: str | Path, *, allow_nonfinite: bool = False) -> KerasFacts | OnnxFacts:
    """Return what is in a file.

    Args:
        file: `.onnx` is read as ONNX, anything else as a Keras file.
        allow_nonfinite: take weights that are NaN or infinite.

    Raises:
        ReadError: it is missing, damaged, hostile, or has a layer this version does not know.
    """
    path = Path(file)
    if path.suffix == ".onnx":
        from rnn_export.workflows.inspecting_onnx import inspect_onnx

        return inspect_onnx(path)
    from rnn_export.readers import read

    return facts_of(read(path, allow_nonfinite=allow_nonfinite), path)


def facts_of(network: Network, file: Path) -> KerasFacts:
    """Return a network's facts; ``file`` is where it was read from."""
    seen: set[int] = set()
    layers = tuple(_layer(network, call, seen) for call in network.calls)
    sizes = {
        id(weight): prod(weight.shape) * weight.dtype.itemsize for _, weight in network.weights()
    }
    return KerasFacts(
        file=file,
        size=file.stat().st_size,
        name=network.source.name,
        versions=dict(network.source.facts),
        inputs=tuple(_port(network, port) for port in network.inputs),
        outputs=tuple(_port(network, port) for port in network.outputs),
        layers=layers,
        parameters=network.parameters,
        weight_bytes=sum(sizes.values()),
        digest=network.digest,
    )


def _port(network: Network, port: Port) -> PortFacts:
    spec = network.spec(port.tensor)
    return PortFacts(port.name, spec.shape, spec.dtype)


def _layer(network: Network, call: Call, seen: set[int]) -> LayerFacts:
    new = {id(weight): weight for _, weight in op_weights(call.op, call.layer)}
    parameters = sum(prod(weight.shape) for key, weight in new.items() if key not in seen)
    seen.update(new)
    return LayerFacts(
        path=call.layer,
        kind=str(dict(call.hints).get("class", type(call.op).__name__)),
        detail=_detail(call),
        outputs=tuple(network.spec(tensor).shape for tensor in call.outputs),
        parameters=parameters,
    )


def _detail(call: Call) -> str:
    op = call.op
    words: list[str] = []
    if isinstance(op, Recurrent):
        words.append(", then ".join(f"{cell.units} {cell.activation}" for cell in op.cells))
        words.append(f"gives {' and '.join(op.emits)}")
        if op.go_backwards:
            words.append("backwards")
        if call.initial:
            words.append("given state")
    elif isinstance(op, Dense):
        words.append(f"{op.kernel.shape[-1]} {op.activation}")
    elif isinstance(op, Embedding):
        words.append("{} tokens, {} features".format(*op.table.shape))
    if call.mask is not None:
        words.append("masked")
    if call.dtype != "float32" and np.dtype(bool) != call.dtype:
        words.append(call.dtype)
    return ", ".join(words)
