"""Rewritings that spare runtimes what they are known to crash on."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import NodeProto, helper

from rnn_export.exporters.graph import Graph


def guard(graph: Graph) -> None:
    """Cast before transposing wherever Transpose, Cast and MatMul follow one another.

    onnxruntime 1.24 to 1.31 on x86-64 dies while it loads Transpose, Cast, MatMul in that order
    (microsoft/onnxruntime 28392).
    """
    makers = {name: node for node in graph.nodes for name in node.output}
    multiplied = {name for node in graph.nodes if node.op_type == "MatMul" for name in node.input}
    guarded: list[NodeProto] = []
    for node in graph.nodes:
        before = makers.get(node.input[0]) if node.op_type == "Cast" else None
        if before is None or before.op_type != "Transpose" or node.output[0] not in multiplied:
            guarded.append(node)
        else:
            guarded.extend(_turned(graph, before, node))
    graph.nodes[:] = guarded


def _turned(graph: Graph, transpose: NodeProto, cast: NodeProto) -> Sequence[NodeProto]:
    """Return a Cast of what is transposed, and a Transpose of that."""
    name = graph.name(f"{cast.name}/early")
    early = helper.make_node("Cast", [transpose.input[0]], [f"{name}:0"], name)
    early.attribute.extend(cast.attribute)
    late = helper.make_node("Transpose", [f"{name}:0"], list(cast.output), cast.name)
    late.attribute.extend(transpose.attribute)
    return early, late
