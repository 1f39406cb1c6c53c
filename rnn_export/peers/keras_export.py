"""Keras' own ONNX export (tf2onnx inside), with the Keras names put back on its ports.

Needs Keras on TensorFlow in this very process; `translating` runs it in another one.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from rnn_export.errors import RuntimeRefused, RuntimeUnavailable

SUBJECT = "peer loop"
INSTALL = "pip install 'rnn-export[keras,peers]'"


def loop(source: Any, path: str | Path) -> Path:
    """Write what ``model.export(format="onnx")`` makes of a model: a Loop for every recurrent layer.

    Nothing of the graph is changed but the names of its inputs and outputs ("Identity:0"): they get the
    names that a network's ports have, matched by position. Whether a runtime loads the file is not looked at
    here: what does not load is the peer's result, and the runtime that refuses it says so.

    Args:
        source: a `.keras` or `.h5` file, or a live Keras model.
        path: where to write.

    Returns:
        ``path``.

    Raises:
        RuntimeUnavailable: Keras, TensorFlow or tf2onnx is missing, or Keras runs on another backend.
        RuntimeRefused: Keras does not load or does not translate the model, in its words.

    Source: keras.Model.export, keras.src.export.onnx (Keras 3.15)
    """
    keras = _keras()
    target = Path(path)
    with warnings.catch_warnings():
        # tf2onnx asks NumPy for names that are gone; that is no news to whoever exports.
        warnings.simplefilter("ignore")
        try:
            if isinstance(source, (str, Path)):
                source = keras.saving.load_model(source, compile=False, safe_mode=True)
            # A model that was loaded and never called is not exported; calling it on its own inputs is enough.
            single = isinstance(source, keras.Sequential)
            source(source.inputs[0] if single else source.input)
            source.export(str(target), format="onnx", verbose=False)
        # A foreign product on an arbitrary model: whatever it raises is its refusal.
        except Exception as error:
            text = str(error).strip().splitlines()
            raise RuntimeRefused(
                SUBJECT,
                expected="a model that Keras' own export translates",
                got=f"{type(error).__name__}: {text[0] if text else ''}",
            ) from error
    model = onnx.load(target)
    _rename(model, [tensor.name for tensor in source.inputs], _output_names(source))
    target.write_bytes(model.SerializeToString(deterministic=True))
    return target


def _keras() -> Any:
    try:
        keras = importlib.import_module("keras")
        importlib.import_module("tensorflow")
        importlib.import_module("tf2onnx")
    except ImportError as error:
        raise RuntimeUnavailable(
            SUBJECT, expected="Keras, TensorFlow and tf2onnx", got=str(error), advice=INSTALL
        ) from error
    if keras.backend.backend() != "tensorflow":
        raise RuntimeUnavailable(
            SUBJECT,
            expected="Keras on TensorFlow",
            got=f"Keras on {keras.backend.backend()}",
            advice="Set KERAS_BACKEND=tensorflow before Keras is imported.",
        )
    return keras


def _output_names(model: Any) -> list[str]:
    """Return the name of each output: that of the layer it came from, numbered where it is taken."""
    taken = {tensor.name for tensor in model.inputs}
    names = []
    for tensor in model.outputs:
        wanted = tensor._keras_history.operation.name
        name, count = wanted, 1
        while name in taken:
            name, count = f"{wanted}_{count}", count + 1
        taken.add(name)
        names.append(name)
    return names


def _rename(model: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Give the ports these names, in order; other values that have one of them make way.

    Raises:
        RuntimeRefused: the graph has another number of inputs or outputs than the model.
    """
    graph = model.graph
    ports = [*graph.input, *graph.output]
    wanted = [*inputs, *outputs]
    if len(graph.input) != len(inputs) or len(graph.output) != len(outputs):
        raise RuntimeRefused(
            SUBJECT,
            expected=f"{len(inputs)} inputs and {len(outputs)} outputs",
            got=f"{len(graph.input)} and {len(graph.output)}",
        )
    names = {port.name: name for port, name in zip(ports, wanted, strict=True)}
    used = {name for node in graph.node for name in (*node.input, *node.output)}
    for name in wanted:
        if name in used and name not in names:
            names[name] = f"{name}/inner"
    for port in ports:
        port.name = names[port.name]
    _replace(graph, names)


def _replace(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    for tensor in graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    for info in graph.value_info:
        info.name = names.get(info.name, info.name)
    for node in graph.node:
        for values in (node.input, node.output):
            for index, value in enumerate(values):
                values[index] = names.get(value, value)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _replace(attribute.g, names)
