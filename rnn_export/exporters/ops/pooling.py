"""Pooling over time; the average heeds a mask, the maximum does not, as in Keras."""

from __future__ import annotations

from rnn_export.exporters.elements import carrier, number
from rnn_export.exporters.lowering import Lowering, lower
from rnn_export.exporters.plan import Layout
from rnn_export.network import Call
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.network.ops import Pool


@lower.register
def _(op: Pool, call: Call, low: Lowering) -> None:
    """In whichever layout the input is to be had without a transposition."""
    timed = low.known(call.inputs[0], Layout.TIME)
    layout, axis = (Layout.TIME, 0) if timed else (Layout.PLAIN, 1)
    x, graph = low.get(call.inputs[0], layout), low.graph
    if op.kind == "max":
        value = graph.reduce("ReduceMax", x, [axis])
    elif call.mask is None:
        value = graph.reduce("ReduceMean", x, [axis])
    else:
        dtype = carrier(call.dtype)
        mask = graph.add("Unsqueeze", [low.get(call.mask, layout), graph.constant([2])])
        kept = graph.add("Where", [mask, x, graph.constant(0, numpy_dtype(dtype))])
        count = graph.reduce("ReduceSum", graph.add("Cast", [mask], to=number(dtype)), [axis])
        value = graph.add("Div", [graph.reduce("ReduceSum", kept, [axis]), count])
    if op.keepdims:
        value = graph.add("Unsqueeze", [value, graph.constant([1])])
    low.put(call.outputs[0], value)
