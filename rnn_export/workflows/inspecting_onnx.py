"""The ONNX half of `inspect`: nodes, opset, axes, metadata and sizes, from the file's text alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_export.workflows.inspected import NodeFacts, OnnxFacts, PortFacts
from rnn_export.workflows.onnx_input import OnnxLimits, open_onnx

if TYPE_CHECKING:
    from onnx import GraphProto, TensorProto, ValueInfoProto


def inspect_onnx(path: Path, limits: OnnxLimits | None = None) -> OnnxFacts:
    """Return what an ONNX file holds.

    Args:
        path: the file.
        limits: what to accept; None for the defaults.

    Raises:
        ReadError: it is missing, not an ONNX model, or hostile.
    """
    opened = open_onnx(path, limits or OnnxLimits())
    model = opened.model
    graph = model.graph
    weights = [tensor for inner in _graphs(graph) for tensor in _tensors(inner)]
    given = {tensor.name for tensor in graph.initializer}
    return OnnxFacts(
        file=path,
        size=opened.size,
        ir_version=model.ir_version,
        opsets={opset.domain: opset.version for opset in model.opset_import},
        producer=f"{model.producer_name} {model.producer_version}".strip(),
        inputs=tuple(_port(value) for value in graph.input if value.name not in given),
        outputs=tuple(_port(value) for value in graph.output),
        nodes=tuple(_nodes(graph, "")),
        parameters=sum(prod(tensor.dims) for tensor in weights),
        weight_bytes=sum(_bytes(tensor) for tensor in weights),
        external=opened.external,
        metadata={entry.key: entry.value for entry in model.metadata_props},
    )


def _nodes(graph: GraphProto, inside: str) -> Iterator[NodeFacts]:
    for number, node in enumerate(graph.node):
        op = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        name = node.name or f"{op}#{number}"
        yield NodeFacts(name, op, tuple(node.input), tuple(node.output), inside)
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _nodes(body, f"{inside}/{name}" if inside else name)


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _graphs(body)


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.HasField("t"):
                yield attribute.t


def _port(value: ValueInfoProto) -> PortFacts:
    tensor = value.type.tensor_type
    shape = tuple(
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?"
        for dim in tensor.shape.dim
    )
    return PortFacts(value.name, shape, _dtype(tensor.elem_type))


def _dtype(number: int) -> str:
    from onnx.helper import tensor_dtype_to_np_dtype

    try:
        return tensor_dtype_to_np_dtype(number).name
    except (KeyError, ValueError):
        return f"type {number}"


def _bytes(tensor: TensorProto) -> int:
    from onnx.helper import tensor_dtype_to_np_dtype

    try:
        size: int = prod(tensor.dims) * tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, ValueError):
        return 0
    return size
