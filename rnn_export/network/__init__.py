"""The network: calls, tensors, weights, wiring; NumPy only, no framework, no files."""

from rnn_export.network.activations import FUNCTIONS, Activation, activation
from rnn_export.network.call import Call, Op
from rnn_export.network.draft import Draft
from rnn_export.network.network import Network, Source, Stream, describe, op_weights
from rnn_export.network.tensor import (
    BATCH,
    TIME,
    Dim,
    Port,
    Spec,
    Tensor,
    TensorId,
    show,
)
from rnn_export.network.weight import ArrayWeight, Weight

__all__ = [
    "BATCH",
    "FUNCTIONS",
    "TIME",
    "Activation",
    "ArrayWeight",
    "Call",
    "Dim",
    "Draft",
    "Network",
    "Op",
    "Port",
    "Source",
    "Spec",
    "Stream",
    "Tensor",
    "TensorId",
    "Weight",
    "activation",
    "describe",
    "op_weights",
    "show",
]
