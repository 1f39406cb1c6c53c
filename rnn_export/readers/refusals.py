"""What the readers decline, by name, each with a way out: operations and layers that are not known."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_export.errors import ReadError
from rnn_export.readers.fields import brief
from rnn_export.readers.json_text import Json

_INSTEAD = {
    "LSTM": "Only SimpleRNN cells are exported; keep LSTM models with Keras' own model.export().",
    "GRU": "Only SimpleRNN cells are exported; keep GRU models with Keras' own model.export().",
    "LSTMCell": "Only SimpleRNN cells are exported; keep LSTM models with Keras' own model.export().",
    "GRUCell": "Only SimpleRNN cells are exported; keep GRU models with Keras' own model.export().",
    "Lambda": "A Lambda holds Python code, which is never run. Use keras layers, such as Activation or Rescaling.",
    "TFOpLambda": "It holds a TensorFlow function. Use the keras layer for it, such as Add or Multiply.",
    "SlicingOpLambda": "It holds a slice of a tensor. Split the model there and export the parts.",
    "TFSMLayer": "It holds a SavedModel. Export the Keras model that was saved into it.",
    "Dot": "Export the parts before and after it as models of their own.",
    "Attention": "Export the part before it as a model of its own.",
    "MultiHeadAttention": "Export the part before it as a model of its own.",
    "CuDNNRNN": "Load the model in Keras and save it again with SimpleRNN.",
}
# Operations that Keras records for masks; Concatenate is a layer as well.
_OPERATIONS = (
    "Any",
    "Cast",
    "Concatenate",
    "ExpandDims",
    "LogicalOr",
    "NotEqual",
    "OnesLike",
    "ZerosLike",
)
_GENERAL = "Export the part of the model before this layer (keras.Model(inputs, tensor)), or replace the layer."


def is_operation(entry: Mapping[str, Json], kind: str) -> bool:
    """Tell whether an entry of a functional model is one of keras.ops, and no layer.

    Legacy files leave the module out; there an operation has none of the settings that every layer has.
    """
    module = entry.get("module")
    if isinstance(module, str):
        return module.startswith("keras.src.ops.")
    config = entry.get("config")
    return kind in _OPERATIONS and isinstance(config, dict) and "trainable" not in config


def check_known(kind: str, subject: str, known: tuple[str, ...] = ()) -> None:
    """Raise ReadError unless ``kind`` can be read.

    Args:
        kind: a class name.
        subject: whose it is.
        known: the classes that fit here; by default every layer of the table.
    """
    from rnn_export.readers.layers.table import LAYERS

    allowed = known or (*LAYERS, "InputLayer", "Functional", "Model", "Sequential")
    if kind in allowed:
        return
    fits = f"{' or '.join(known)} here"
    expected = fits if kind in LAYERS else "a layer that this version knows"
    raise ReadError(
        subject,
        expected=expected,
        got=f"class {brief(kind)[1:-1]}",
        advice=_INSTEAD.get(kind, _GENERAL),
    )
