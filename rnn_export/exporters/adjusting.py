"""Adjustments: the same graph, written in the way that a runtime is known to take where it declines the usual one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from onnx import GraphProto, ModelProto, NodeProto, helper

from rnn_export.errors import ExportError
from rnn_export.exporters.checking import check_graph
from rnn_export.exporters.exported import Exported

FORWARD = b"forward"


def adjusted(exported: Exported, names: Iterable[str]) -> Exported:
    """Return an export with adjustments made; those that find nothing to change leave it as it is.

    Args:
        exported: stays as it is.
        names: of ADJUSTMENTS.

    Raises:
        ExportError: no adjustment of that name, or the outcome is no valid graph.
    """
    wanted = tuple(names)
    skeleton = adjusted_model(exported.skeleton, wanted)
    if skeleton == exported.skeleton:
        return exported
    check_graph(skeleton, exported.stored)
    return replace(exported, skeleton=skeleton)


def adjusted_model(model: ModelProto, names: Iterable[str]) -> ModelProto:
    """Return a copy of a model with adjustments made.

    Raises:
        ExportError: no adjustment of that name.
    """
    made = ModelProto()
    made.CopyFrom(model)
    for name in names:
        if name not in ADJUSTMENTS:
            known = ", ".join(ADJUSTMENTS)
            raise ExportError("adjustment", expected=f"one of {known}", got=repr(name))
        ADJUSTMENTS[name](made.graph)
    return made


def _both_outputs(graph: GraphProto) -> None:
    """Name both outputs of every RNN node: some runtimes look at the first alone."""
    for number, node in enumerate(_nodes(graph, "RNN")):
        names = [*node.output, "", ""][:2]
        for k, word in enumerate(("Y", "Y_h")):
            names[k] = names[k] or f"{node.name or number}:{word} unread"
        del node.output[:]
        node.output.extend(names)


def _default_direction(graph: GraphProto) -> None:
    """Leave "forward", which is the default, unsaid."""
    for node in _nodes(graph, "RNN"):
        kept = [
            item
            for item in node.attribute
            if item.name != "direction" or helper.get_attribute_value(item) != FORWARD
        ]
        del node.attribute[:]
        node.attribute.extend(kept)


def _product_first(graph: GraphProto) -> None:
    """Write Gemm(h, R, x) in the bodies of Scan nodes as Add(MatMul(h, R), x)."""
    _split_gemms(graph, product_first=True)


def _product_last(graph: GraphProto) -> None:
    """Write it as Add(x, MatMul(h, R)), as other exporters do."""
    _split_gemms(graph, product_first=False)


def _split_gemms(graph: GraphProto, *, product_first: bool) -> None:
    for scan in _nodes(graph, "Scan"):
        for attribute in scan.attribute:
            if not attribute.HasField("g"):
                continue
            body = attribute.g
            nodes = [part for node in body.node for part in _split(node, product_first)]
            del body.node[:]
            body.node.extend(nodes)


def _split(node: NodeProto, product_first: bool) -> list[NodeProto]:
    # With its defaults: alpha and beta 1, nothing transposed.
    if node.op_type != "Gemm" or len(node.input) != 3 or node.attribute:
        return [node]
    h, r, x = node.input
    product = f"{node.output[0]}/product"
    terms = [product, x] if product_first else [x, product]
    return [
        helper.make_node("MatMul", [h, r], [product], f"{node.name}/MatMul"),
        helper.make_node("Add", terms, list(node.output), node.name),
    ]


def _nodes(graph: GraphProto, kind: str) -> Iterator[NodeProto]:
    """Yield the top-level nodes of an operator."""
    return (node for node in graph.node if node.op_type == kind)


ADJUSTMENTS: dict[str, Callable[[GraphProto], None]] = {
    "both outputs": _both_outputs,
    "default direction": _default_direction,
    "Add(MatMul(h, R), x)": _product_first,
    "Add(x, MatMul(h, R))": _product_last,
}
"""Name to what it does to a graph in place; the names are those of the table of capabilities."""
