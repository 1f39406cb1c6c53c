"""Embedding and Dense."""

from __future__ import annotations

import numpy as np

from rnn_export.builders.reference.computing import Given, compute
from rnn_export.builders.reference.rounding import effective
from rnn_export.errors import NetworkError
from rnn_export.network.ops import Dense, Embedding


@compute.register
def _embedding(op: Embedding, given: Given) -> tuple[np.ndarray, ...]:
    """Tokens are truncated to integers; -1 is the last row, as in Keras and in ONNX' Gather."""
    table = effective(op.table, given.call.dtype, given.dtype)
    wide = given.x.astype(np.int64)
    rows = table.shape[0]
    strange = wide[(wide < -rows) | (wide >= rows)]
    if strange.size:
        raise NetworkError(
            f"layer {given.call.layer!r}",
            expected=f"tokens from 0 to {rows - 1}",
            got=str(strange.flat[0]),
            advice="Feed tokens of the vocabulary the model was built for.",
        )
    return (table[wide],)


@compute.register
def _dense(op: Dense, given: Given) -> tuple[np.ndarray, ...]:
    name, dtype = given.call.dtype, given.dtype
    z = given.x @ effective(op.kernel, name, dtype)
    if op.bias is not None:
        z = z + effective(op.bias, name, dtype)
    return (op.activation(z),)
