"""What each input of a network is for: numbers, tokens of an embedding, a mask, an initial state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_export.network import Network, Port, TensorId
from rnn_export.network.dtypes import is_floating
from rnn_export.network.ops import (
    Cast,
    Concatenate,
    Embedding,
    ExpandDims,
    Flip,
    Permute,
    Recurrent,
    Repeat,
    Reshape,
    TokenMask,
    ValueMask,
)

MOVES = (Cast, Reshape, Permute, Flip, ExpandDims, Repeat, Concatenate)
"""Ops behind which the numbers of an input are still recognisable."""


@dataclass(frozen=True)
class Role:
    """What one input is for.

    Args:
        port: the input.
        kind: "numbers", "tokens", "mask" or "state".
        tokens: number of rows of the smallest embedding that the tokens index.
        zero_masks: token 0 is a masked step.
        masked_value: a step whose features all equal this is masked; None if none is.
    """

    port: Port
    kind: str
    tokens: int = 0
    zero_masks: bool = False
    masked_value: float | None = None


def roles(network: Network) -> tuple[Role, ...]:
    """Return the role of every input, in order."""
    return tuple(_role(network, port) for port in network.inputs)


def _role(network: Network, port: Port) -> Role:
    reached = _reached(network, port.tensor)
    sizes, zero, value, state = [], False, None, False
    for call in network.calls:
        state = state or bool(reached & set(call.initial) and isinstance(call.op, Recurrent))
        if not reached & set(call.inputs):
            continue
        if isinstance(call.op, Embedding):
            sizes.append(call.op.table.shape[0])
        zero = zero or isinstance(call.op, TokenMask)
        if isinstance(call.op, ValueMask):
            value = float(np.float32(call.op.value))  # As Keras does, in float64 too.
    dtype = network.spec(port.tensor).dtype
    if dtype == "bool":
        return Role(port, "mask")
    if sizes:
        return Role(port, "tokens", min(sizes), zero)
    if not is_floating(dtype):
        return Role(port, "tokens", 8, zero)
    return Role(port, "state" if state else "numbers", masked_value=value)


def _reached(network: Network, tensor: TensorId) -> set[TensorId]:
    """Return the tensors that hold the input's own numbers."""
    reached = {tensor}
    for call in network.calls:
        if isinstance(call.op, MOVES) and reached & set(call.inputs):
            reached.update(call.outputs)
    return reached
