"""Merge and Concatenate; the merge modes of a Bidirectional come straight from its node's outputs."""

from __future__ import annotations

from functools import reduce

from rnn_export.exporters.elements import carrier
from rnn_export.exporters.lowering import Lowering, lower
from rnn_export.exporters.pairs import concatenated, reduced
from rnn_export.exporters.plan import Layout, follows
from rnn_export.network import Call, Spec
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.network.ops import Concatenate, Merge

_TWO = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "average": "Add"}
_MANY = {"maximum": "Max", "minimum": "Min"}


@lower.register
def _(op: Merge, call: Call, low: Lowering) -> None:
    layout = low.layout(call.outputs[0])
    pair = low.pairs.get(call.inputs)
    made = None if pair is None else reduced(low.graph, pair, op.kind)
    if made is not None and pair is not None:
        low.put(call.outputs[0], made, Layout.TIME if pair.over_time else Layout.PLAIN)
        return
    values = [low.get(tensor, layout) for tensor in call.inputs]
    if op.kind in _MANY:
        value = low.graph.add(_MANY[op.kind], values)
    else:
        value = reduce(lambda a, b: low.graph.add(_TWO[op.kind], [a, b]), values)
    if op.kind == "average":
        count = low.graph.constant(len(values), numpy_dtype(carrier(call.dtype)))
        value = low.graph.add("Div", [value, count])
    low.put(call.outputs[0], value, layout)


@lower.register
def _(op: Concatenate, call: Call, low: Lowering) -> None:
    output = call.outputs[0]
    layout = low.layout(output)
    rank = low.spec(output).rank
    axis = op.axis % rank
    pair = low.pairs.get(call.inputs)
    if pair is not None and axis == rank - 1:
        low.offer(output, concatenated(low.graph, pair, layout), layout)
        return
    if layout is Layout.TIME and axis < 2:
        axis = 1 - axis
    values = [low.get(tensor, layout) for tensor in call.inputs]
    low.offer(output, low.graph.add("Concat", values, axis=axis), layout)


@follows.register
def _(op: Merge, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return all(spec.rank == output.rank for spec in inputs)


@follows.register
def _(op: Concatenate, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return True
