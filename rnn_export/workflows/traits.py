"""Traits: what a network asks of a runtime, in the words of the table that says which runtime has it."""

from __future__ import annotations

from collections.abc import Iterator

from rnn_export.network import Activation, Call, Network
from rnn_export.network.ops import (
    ApplyMask,
    Cast,
    CombineMasks,
    Concatenate,
    Dense,
    Embedding,
    Flip,
    Recurrent,
    TokenMask,
    ValueMask,
)

LAYER = "layer"
"""What every recurrent network has: a forward layer of tanh in float32, its last state put out."""

BOTH_WAYS = "bidirectional"
MASKED = "mask"
RIGHT_PADDED = "right padding"

CARRYING = (ApplyMask, CombineMasks, TokenMask, ValueMask)
"""What stands in a network for the sake of a mask: it counts as the mask's."""


def traits_of(network: Network, *, padding: str = "any") -> tuple[str, ...]:
    """Return the traits of a network, each once, in the order of its calls.

    Args:
        network: to be exported.
        padding: "right" if the export promises that masked steps only follow valid ones.
    """
    return tuple(dict.fromkeys(_traits(network, padding)))


def activation_trait(activation: Activation) -> str:
    """Return the trait of a cell's activation.

    >>> from rnn_export.network import activation
    >>> activation_trait(activation("elu", alpha=2.0)), activation_trait(activation("relu"))
    ('elu', 'relu')
    >>> activation_trait(activation("relu", max_value=1.0))
    'relu(max_value=1, negative_slope=0, threshold=0)'
    """
    plain = {**activation.function.defaults}
    if activation.name == "relu" and activation.options != plain:
        # Its parameters make other activations of it: a clip, a slope.
        return str(activation)
    return activation.name


def _traits(network: Network, padding: str) -> Iterator[str]:
    calls = network.recurrent()
    forward = {
        (call.inputs, call.mask)
        for call in calls
        if isinstance(call.op, Recurrent) and not call.op.go_backwards
    }
    cells = 0
    for call in network.calls:
        if isinstance(call.op, Recurrent):
            yield LAYER
            yield from _recurrent(call, call.op, (call.inputs, call.mask) in forward, padding)
            cells += len(call.op.cells)
        elif not isinstance(call.op, CARRYING):
            yield from _other(call)
    if cells > 1 and not any(_backwards(call) for call in calls):
        yield "stack"
    if network.streams:
        yield "streaming"


def _recurrent(call: Call, op: Recurrent, paired: bool, padding: str) -> Iterator[str]:
    if op.go_backwards:
        yield BOTH_WAYS if op.time_order and paired else "reverse"
    if "sequence" in op.emits:
        yield "sequence"
    if call.mask is not None:
        yield RIGHT_PADDED if padding == "right" else MASKED
    if call.initial:
        yield "initial state"
    if call.dtype != "float32":
        yield call.dtype
    for cell in op.cells:
        trait = activation_trait(cell.activation)
        if trait != "tanh":
            yield trait


def _other(call: Call) -> Iterator[str]:
    if isinstance(call.op, Embedding):
        yield "embedding"
    elif isinstance(call.op, Dense):
        yield "dense"
        if call.op.activation.name not in ("linear", "tanh", "relu", "sigmoid"):
            yield f"dense {call.op.activation.name}"
    elif not isinstance(call.op, (Cast, Concatenate, Flip)):
        # The two arrange what a Bidirectional gives; a cast is measured with its dtype.
        yield type(call.op).__name__


def _backwards(call: Call) -> bool:
    return isinstance(call.op, Recurrent) and call.op.go_backwards
