"""Embedding and Dense."""

from __future__ import annotations

from rnn_export.exporters.activations import activate
from rnn_export.exporters.elements import number
from rnn_export.exporters.lowering import Lowering, lower
from rnn_export.exporters.plan import follows
from rnn_export.network import Call, Spec
from rnn_export.network.ops import Dense, Embedding


@lower.register
def _(op: Embedding, call: Call, low: Lowering) -> None:
    """Gather; float tokens are cut to int32 first, as Keras does. Folded, the tokens are left to those who read it."""
    layout = low.layout(call.outputs[0])
    tokens = low.get(call.inputs[0], layout)
    dtype = low.spec(call.inputs[0]).dtype
    if dtype not in ("int32", "int64"):
        tokens = low.graph.add("Cast", [tokens], to=number("int32"))
    if call.outputs[0] in low.folded:
        low.offer(call.outputs[0], tokens, layout)
        return
    table = low.weight(op.table, call, f"{call.layer}/table")
    low.offer(call.outputs[0], low.graph.add("Gather", [table, tokens], axis=0), layout)


@lower.register
def _(op: Dense, call: Call, low: Lowering) -> None:
    layout = low.layout(call.outputs[0])
    x = low.get(call.inputs[0], layout)
    kernel = low.weight(op.kernel, call, f"{call.layer}/kernel")
    value = low.graph.add("MatMul", [x, kernel])
    if op.bias is not None:
        value = low.graph.add("Add", [value, low.weight(op.bias, call, f"{call.layer}/bias")])
    value = activate(low.graph, op.activation, value, call.dtype, f"layer {call.layer!r}")
    low.put(call.outputs[0], value, layout)


@follows.register
def _(op: Embedding, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return inputs[0].rank >= 2


@follows.register
def _(op: Dense, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return True
