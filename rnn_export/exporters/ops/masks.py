"""Masks: where they come from, and what is done with them. Where, never a product: NaN may stand under a mask."""

from __future__ import annotations

from functools import reduce

import numpy as np

from rnn_export.exporters.elements import carrier, number
from rnn_export.exporters.lowering import Lowering, lower
from rnn_export.exporters.plan import follows
from rnn_export.network import Call, Spec
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.network.ops import ApplyMask, CombineMasks, TokenMask, ValueMask


@lower.register
def _(op: TokenMask, call: Call, low: Lowering) -> None:
    layout = low.layout(call.outputs[0])
    tokens = low.get(call.inputs[0], layout)
    dtype = carrier(low.spec(call.inputs[0]).dtype)
    zero = low.graph.constant(0, numpy_dtype(dtype))
    low.offer(call.outputs[0], _differs(low, tokens, zero), layout)


@lower.register
def _(op: ValueMask, call: Call, low: Lowering) -> None:
    """Compared in float32 at least: TensorFlow makes a float32 of the value, and neither half holds all of those."""
    layout = low.layout(call.outputs[0])
    x, dtype = low.get(call.inputs[0], layout), low.spec(call.inputs[0]).dtype
    wanted, compared = np.float32(op.value), carrier(dtype)
    if np.issubdtype(numpy_dtype(compared), np.integer) and not _held(wanted, compared):
        x, compared = low.graph.add("Cast", [x], to=number("float32")), "float32"
    value = low.graph.constant(wanted.astype(numpy_dtype(compared)), compared)
    counted = low.graph.add("Cast", [_differs(low, x, value)], to=number("int32"))
    anywhere = low.graph.reduce("ReduceMax", counted, [-1])
    low.offer(call.outputs[0], low.graph.add("Cast", [anywhere], to=number("bool")), layout)


@lower.register
def _(op: ApplyMask, call: Call, low: Lowering) -> None:
    layout = low.layout(call.outputs[0])
    x, mask = (low.get(tensor, layout) for tensor in call.inputs)
    wide = low.graph.add("Unsqueeze", [mask, low.graph.constant([-1])])
    zero = low.graph.constant(0, numpy_dtype(carrier(call.dtype)))
    low.offer(call.outputs[0], low.graph.add("Where", [wide, x, zero]), layout)


@lower.register
def _(op: CombineMasks, call: Call, low: Lowering) -> None:
    layout = low.layout(call.outputs[0])
    kind = {"and": "And", "or": "Or"}[op.kind]
    masks = [low.get(tensor, layout) for tensor in call.inputs]
    low.offer(call.outputs[0], reduce(lambda a, b: low.graph.add(kind, [a, b]), masks), layout)


def _held(value: np.float32, dtype: str) -> bool:
    """Tell whether an integer dtype holds a number, and float32 none of its neighbours beside it."""
    sizes = np.iinfo(dtype)
    small = abs(value) < 2**24 and sizes.min <= value <= sizes.max
    return bool(small) and float(value).is_integer()


def _differs(low: Lowering, x: str, value: str) -> str:
    return low.graph.add("Not", [low.graph.add("Equal", [x, value])])


@follows.register(TokenMask)
@follows.register(ValueMask)
@follows.register(ApplyMask)
def _(op: TokenMask, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return all(spec.rank >= 2 for spec in inputs)


@follows.register
def _(op: CombineMasks, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return all(spec.rank == output.rank for spec in inputs)
