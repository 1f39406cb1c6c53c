"""What the readers decline, by name, each with a way out: custom code, operations, unknown layers."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_export.errors import ReadError
from rnn_export.readers.fields import brief
from rnn_export.readers.json_text import Json

_KERAS_MODULES = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")

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


def check_origin(entry: Mapping[str, Json], kind: str, subject: str) -> None:
    """Raise ReadError unless the class is Keras' own; nothing is looked up or imported.

    Args:
        entry: the serialized object, with "module" and "registered_name" where Keras 3 wrote them.
        kind: its class name.
        subject: whose it is, for the error.
    """
    module, registered = entry.get("module"), entry.get("registered_name")
    ours = module is None or (isinstance(module, str) and _of_keras(module))
    plain = registered in (None, kind, "Functional") or (
        isinstance(registered, str)
        and registered.rpartition(">")[0] in ("keras", "Keras", "tf_keras")
    )
    if (
        ">" in kind
        or not ours
        or not plain
        or (module is None and registered is not None and "module" in entry)
    ):
        named = registered if isinstance(registered, str) else f"{module}.{kind}"
        raise ReadError(
            subject,
            expected="a class of Keras itself",
            got=f"the custom class {brief(named)}",
            advice="Custom code is never run. Build the model from Keras layers, functional or Sequential.",
        )


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
        subject, expected=expected, got=f"class {kind}", advice=_INSTEAD.get(kind, _GENERAL)
    )


def _of_keras(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in _KERAS_MODULES)
