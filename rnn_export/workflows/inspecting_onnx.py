"""The ONNX half of `inspect`: nodes, opset, axes, metadata and sizes, from the file's text alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rnn_export.errors import ReadError
from rnn_export.workflows.inspected import NodeFacts, OnnxFacts, PortFacts

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto


def load_onnx(path: Path) -> ModelProto:
    """Read an ONNX file without its external data.

    Raises:
        ReadError: it is missing, not a file, or not an ONNX model.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        data = path.read_bytes()
    except OSError as error:
        got = (error.strerror or type(error).__name__).lower()
        raise ReadError(str(path), expected="an ONNX file", got=got) from error
    try:
        model = ModelProto()
        model.ParseFromString(data)
    except DecodeError as error:
        raise _not_onnx(path, "other bytes") from error
    if not model.ir_version or not model.HasField("graph"):
        # Protobuf takes many bytes for a message; a model without these two is none.
        raise _not_onnx(path, "an empty file" if not data else "other bytes")
    return model


def inspect_onnx(path: Path) -> OnnxFacts:
    """Return what an ONNX file holds.

    Raises:
        ReadError: it is missing, or not an ONNX model.
    """
    model = load_onnx(path)
    graph = model.graph
    weights = [tensor for inner in _graphs(graph) for tensor in _tensors(inner)]
    given = {tensor.name for tensor in graph.initializer}
    return OnnxFacts(
        file=path,
        size=path.stat().st_size,
        ir_version=model.ir_version,
        opsets={opset.domain: opset.version for opset in model.opset_import},
        producer=f"{model.producer_name} {model.producer_version}".strip(),
        inputs=tuple(_port(value) for value in graph.input if value.name not in given),
        outputs=tuple(_port(value) for value in graph.output),
        nodes=tuple(_nodes(graph, "")),
        parameters=sum(prod(tensor.dims) for tensor in weights),
        weight_bytes=sum(_bytes(tensor) for tensor in weights),
        external=_external(weights, path.parent),
        metadata={entry.key: entry.value for entry in model.metadata_props},
    )


def _not_onnx(path: Path, got: str) -> ReadError:
    return ReadError(str(path), expected="an ONNX model", got=got, advice="Export it again.")


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


def _external(weights: list[TensorProto], folder: Path) -> dict[str, int | None]:
    """Return the files that hold external data; one that is not below the folder is not looked at."""
    found: dict[str, int | None] = {}
    for tensor in weights:
        for entry in tensor.external_data:
            if entry.key != "location":
                continue
            inside = PurePosixPath(entry.value)
            path = folder / inside
            safe = not inside.is_absolute() and ".." not in inside.parts
            found[entry.value] = path.stat().st_size if safe and path.is_file() else None
    return found
