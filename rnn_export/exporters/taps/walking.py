"""Short walks through a graph, from a recurrence back to what feeds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from onnx import NodeProto

if TYPE_CHECKING:
    from rnn_export.exporters.taps.surgery import Surgery

# What an activation, a mask's selection or a cast is made of; a walk stops at anything else.
POINTWISE = frozenset(
    """
    Abs Add Cast Celu Clip CumSum Div Elu Equal Erf Exp Gelu Greater GreaterOrEqual HardSigmoid HardSwish
    Identity LeakyRelu Less LessOrEqual Log LogSoftmax Max Min Mish Mul Neg Not Pow ReduceSum Relu Selu
    Sigmoid Sign Softmax Softplus Softsign Sqrt Sub Swish Tanh ThresholdedRelu TopK Where
    """.split()  # noqa: SIM905
)
# What stands between the projection of an input and the recurrence that reads it.
_BETWEEN = frozenset(("Add", "Pad", "Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape"))

FAR = 64
"""Nodes after which a walk ends: an activation takes a dozen, and a stranger's graph may have a hundred thousand."""


def projection(surgery: Surgery, value: str) -> str | None:
    """Return x where ``value`` is x W (+ b) with a constant W, through additions and padding; else None.

    Steps and rows may be one axis at the product: x is then what they were put together from.
    """
    for _ in range(8):
        node = surgery.makers.get(value)
        if node is None:
            return None
        if node.op_type in ("MatMul", "Gemm") and surgery.is_constant(node.input[1]):
            flat = surgery.maker(node.input[0], "Flatten")
            return str(node.input[0] if flat is None else flat.input[0])
        value = _fed_by(surgery, node)
    return None


def looked_up(surgery: Surgery, value: str) -> str | None:
    """Return x W + b where ``value`` is that, taken from a constant table, through additions and padding; else None."""
    for _ in range(8):
        node = surgery.makers.get(value)
        if node is None:
            return None
        if node.op_type == "Gather":
            table = surgery.tensor(node.input[0])
            rows = all(item.name != "axis" or item.i == 0 for item in node.attribute)
            fits = table is not None and len(table.dims) == 2 and rows
            return value if fits and not surgery.is_constant(node.input[1]) else None
        value = _fed_by(surgery, node)
    return None


def _fed_by(surgery: Surgery, node: NodeProto) -> str:
    """Return what an input of the model decides of what stands between projection and recurrence; "" for nothing."""
    if node.op_type not in _BETWEEN:
        return ""
    follow = (name for name in node.input if name and not is_fixed(surgery, name))
    return next(follow, "")


def is_fixed(surgery: Surgery, value: str) -> bool:
    """Tell whether ``value`` is a constant, or made of constants and shapes alone: no input decides it."""
    waiting, seen = [value], {value}
    while waiting:
        name = waiting.pop()
        node = surgery.makers.get(name)
        if surgery.is_constant(name) or (node is not None and node.op_type == "Shape"):
            continue
        if node is None or len(seen) > 1000:
            return False
        fresh = [item for item in node.input if item and item not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return True


def found_behind(
    surgery: Surgery, value: str, wanted: Callable[[NodeProto], bool]
) -> NodeProto | None:
    """Return the nearest node before ``value`` that is ``wanted``, with nothing but pointwise nodes between."""
    waiting, seen = [value], {value}
    while waiting and len(seen) < FAR:
        node: NodeProto | None = surgery.makers.get(waiting.pop(0))
        if node is None:
            continue
        if wanted(node):
            return node
        if node.op_type in POINTWISE:
            fresh = [name for name in node.input if name and name not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
    return None


def gathered(surgery: Surgery, value: str) -> str | None:
    """Return the mask (time, batch) whose valid steps ``value`` holds together, or None.

    Found by how it was made: a Gather along an order that TopK gave to keys that a mask selects; what
    other recurrent nodes made of such a value holds them together too.
    """
    for _ in range(4 * FAR):
        node = surgery.makers.get(value)
        if node is None:
            return None
        if node.op_type == "Gather":
            order = found_behind(surgery, node.input[1], lambda item: item.op_type == "TopK")
            if order is None:
                return None
            keys = found_behind(surgery, order.input[0], lambda item: item.op_type == "Where")
            return None if keys is None else str(keys.input[0])
        if node.op_type not in ("Squeeze", "RNN", "Mul"):
            return None
        value = node.input[0]
    return None
