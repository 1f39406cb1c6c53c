"""Ops that move or repeat values: reshaping, permuting, flipping, repeating."""

from __future__ import annotations

from rnn_export.exporters.lowering import Lowering, lower
from rnn_export.exporters.plan import Layout, follows
from rnn_export.network import Call, Spec
from rnn_export.network.ops import ExpandDims, Flip, Permute, Repeat, Reshape

_FIRST = -(2**63)


@lower.register
def _(op: Reshape, call: Call, low: Lowering) -> None:
    """A 0 takes over the batch axis; a -1 is written as a number where it is known."""
    sizes = [size if isinstance(size, int) else -1 for size in low.spec(call.outputs[0]).shape[1:]]
    shape = low.graph.constant([0, *sizes])
    low.offer(call.outputs[0], low.graph.add("Reshape", [low.get(call.inputs[0]), shape]))


@lower.register
def _(op: Permute, call: Call, low: Lowering) -> None:
    """An order that changes nothing is not written: onnxruntime takes any Transpose for a real one."""
    value = low.get(call.inputs[0])
    if op.whole != tuple(range(len(op.whole))):
        value = low.graph.add("Transpose", [value], perm=list(op.whole))
    low.offer(call.outputs[0], value)


@lower.register
def _(op: Repeat, call: Call, low: Lowering) -> None:
    layout = Layout.TIME if call.outputs[0] in low.plan.wanted else Layout.PLAIN
    axis = 0 if layout is Layout.TIME else 1
    times = [1, 1, 1]
    times[axis] = op.times
    wide = low.graph.add("Unsqueeze", [low.get(call.inputs[0]), low.graph.constant([axis])])
    low.offer(call.outputs[0], low.graph.add("Tile", [wide, low.graph.constant(times)]), layout)


@lower.register
def _(op: Flip, call: Call, low: Lowering) -> None:
    layout = low.layout(call.outputs[0])
    axis = op.axis % low.spec(call.outputs[0]).rank
    if layout is Layout.TIME and axis < 2:
        axis = 1 - axis
    value = flipped(low, low.get(call.inputs[0], layout), axis)
    low.offer(call.outputs[0], value, layout)


@lower.register
def _(op: ExpandDims, call: Call, low: Lowering) -> None:
    output = call.outputs[0]
    layout = low.layout(output)
    axis = low.graph.constant([op.axis % low.spec(output).rank])
    low.offer(output, low.graph.add("Unsqueeze", [low.get(call.inputs[0], layout), axis]), layout)


def flipped(low: Lowering, value: str, axis: int = 0) -> str:
    """Return ``value`` with one axis reversed; what was reversed before is given back."""
    if (value, axis) in low.reversed:
        return low.reversed[value, axis]
    constant = low.graph.constant
    last, first = constant([-1]), constant([_FIRST])
    made = low.graph.add("Slice", [value, last, first, constant([axis]), last])
    low.reversed[value, axis], low.reversed[made, axis] = made, value
    return made


@follows.register
def _(op: Flip, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return True


@follows.register
def _(op: ExpandDims, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return op.axis % output.rank >= 2
