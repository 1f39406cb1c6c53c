"""Nodes that nobody reads are not written."""

from __future__ import annotations

from collections.abc import Collection

from onnx import NodeProto

from rnn_export.exporters.graph import Graph


def prune(graph: Graph, kept: Collection[str]) -> None:
    """Remove nodes none of whose outputs is read or ``kept``: a flip that was flipped back leaves some."""
    needed: set[str] = set(kept)
    alive: list[NodeProto] = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
            alive.append(node)
    graph.nodes[:] = reversed(alive)
