"""The nodes of an ONNX file as they are drawn: operators, names, who feeds whom; weights are noted, not drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

RECURRENT = frozenset({"RNN", "LSTM", "GRU", "Scan", "Loop", "If"})


@dataclass(frozen=True)
class GraphNode:
    """One node, or an input or output of the graph.

    Args:
        name: as in the file.
        op: operator; "input" and "output" for the graph's own ends.
        inputs, outputs: tensors that other nodes make or read.
        weights: shapes of the constants it reads.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: tuple[tuple[int, ...], ...] = ()

    @property
    def recurrent(self) -> bool:
        return self.op in RECURRENT


@dataclass(frozen=True)
class Graph:
    """A graph; the bodies of its Scan and Loop nodes are graphs of their own.

    Args:
        title: what it is: the form, or whose body.
        nodes: in the file's order, between inputs and outputs.
        bodies: in the order of their nodes.
    """

    title: str
    nodes: tuple[GraphNode, ...]
    bodies: tuple[Graph, ...] = ()


def graph_of(model: ModelProto, title: str) -> Graph:
    """Return what there is to draw of a model.

    Args:
        model: its initializers may be left out or lie in a data file: they are not read.
        title: what it is called in the report.
    """
    return _graph(model.graph, title, {})


def _graph(graph: GraphProto, title: str, around: Mapping[str, tuple[int, ...]]) -> Graph:
    """Return one graph; a body reads the weights of the graphs ``around`` it too."""
    held = {**around, **{tensor.name: tuple(tensor.dims) for tensor in graph.initializer}}
    for node in graph.node:
        if node.op_type == "Constant":
            held.update(dict.fromkeys(node.output, _constant(node)))
    nodes = [
        GraphNode(port.name, "input", (), (port.name,))
        for port in graph.input
        if port.name not in held
    ]
    bodies = []
    for node in graph.node:
        if node.op_type == "Constant":
            continue
        inner = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
        nodes.append(
            GraphNode(
                node.name,
                node.op_type,
                tuple(name for name in node.input if name and name not in held),
                tuple(name for name in node.output if name),
                tuple(held[name] for name in node.input if name in held),
            )
        )
        bodies += [
            _graph(body, f"body of {node.op_type} {node.name}".rstrip(), held) for body in inner
        ]
    nodes += [GraphNode(port.name, "output", (port.name,), ()) for port in graph.output]
    return Graph(title, tuple(nodes), tuple(bodies))


def _constant(node: NodeProto) -> tuple[int, ...]:
    """Return the shape of a Constant node's value."""
    for attribute in node.attribute:
        if attribute.name == "value":
            return tuple(attribute.t.dims)
        if attribute.name in ("value_ints", "value_floats"):
            return (len(attribute.ints) or len(attribute.floats),)
    return ()
