"""The one door for ONNX files that somebody hands over: everything is looked at before anything relies on it.

Source: ONNX, docs/IR.md and docs/ExternalData.md
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_export.errors import ReadError
from rnn_export.workflows.onnx_input.functions import expect_no_recursion
from rnn_export.workflows.onnx_input.graphs import Graphs
from rnn_export.workflows.onnx_input.limits import OnnxLimits
from rnn_export.workflows.onnx_input.operators import versions
from rnn_export.workflows.onnx_input.tensors import Tensors
from rnn_export.workflows.onnx_input.wire import look_through, not_onnx

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

DOMAINS = frozenset(
    (
        "",
        "ai.onnx.ml",
        "ai.onnx.preview",
        "ai.onnx.preview.training",
        "ai.onnx.training",
        "com.microsoft",
        "com.microsoft.experimental",
        "com.microsoft.nchwc",
        "com.ms.internal.nhwc",
    )
)
"""Whose operators are known: ONNX' own, and those of onnxruntime."""

_DEFAULT = OnnxLimits()


@dataclass(frozen=True)
class OnnxInput:
    """An ONNX file that was looked at.

    Args:
        model: without its external data.
        digest: sha256 of the file.
        size: in bytes, without external data.
        external: data files, by their name in the file, with their size in bytes; None when missing.
    """

    model: ModelProto
    digest: str
    size: int
    external: Mapping[str, int | None]


def open_onnx(path: Path, limits: OnnxLimits = _DEFAULT) -> OnnxInput:
    """Read an ONNX file, without its external data.

    Args:
        path: the file.
        limits: what to accept.

    Raises:
        ReadError: it is missing, no ONNX model, or hostile: a loop, sizes that cannot be, external data
            outside its folder, operators of an unknown domain, a version that this onnx does not know.
    """
    subject = str(path)
    data = _bytes_of(path, limits)
    look_through(data, subject, limits)
    model = _parsed(data, subject)
    _expect_versions(model, subject)
    tensors = Tensors(path, len(data), limits)
    own = {_key(function.domain, function.name) for function in model.functions}
    domains = DOMAINS.union(domain for domain, _ in own)
    graphs = Graphs(subject, tensors, domains, versions(model.opset_import), own)
    graphs.see(model.graph)
    _expect_inputs(model.graph, tensors)
    expect_no_recursion(model, graphs)
    tensors.hold_together()
    return OnnxInput(model, hashlib.sha256(data).hexdigest(), len(data), tensors.files)


def _key(domain: str, name: str) -> tuple[str, str]:
    return "" if domain == "ai.onnx" else domain, name


def _bytes_of(path: Path, limits: OnnxLimits) -> bytes:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode) and not stat.S_ISDIR(facts.st_mode):
            raise ReadError(str(path), expected="an ONNX file", got="a device or a pipe")
        limits.hold("file_bytes", facts.st_size, str(path), "bytes")
        return path.read_bytes()
    except OSError as error:
        got = (error.strerror or type(error).__name__).lower()
        raise ReadError(
            str(path), expected="an ONNX file", got=got, advice="Name a file that `export` wrote."
        ) from error


def _parsed(data: bytes, subject: str) -> ModelProto:
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    model = ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise not_onnx(subject, "other bytes") from error
    if not model.ir_version or not model.HasField("graph"):
        # Protobuf takes many bytes for a message; a model without these two is none.
        raise not_onnx(subject, "other bytes" if data else "an empty file")
    return model


def _expect_versions(model: ModelProto, subject: str) -> None:
    from onnx import IR_VERSION
    from onnx.defs import onnx_opset_version

    if not 1 <= model.ir_version <= IR_VERSION:
        raise ReadError(
            subject,
            expected=f"an IR version of 1 to {IR_VERSION}",
            got=str(model.ir_version),
            advice="If the file is right, install a newer onnx.",
        )
    newest = onnx_opset_version()
    stated = [(opset.domain or "ai.onnx", opset.version) for opset in model.opset_import]
    if not any(domain == "ai.onnx" for domain, _ in stated):
        stated.append(("ai.onnx", 0))
    for domain, version in stated:
        if not 1 <= version <= (newest if domain == "ai.onnx" else 2**31):
            raise ReadError(
                subject,
                expected=f"an opset of 1 to {newest}",
                got=f"{version} of {domain}",
                advice="If the file is right, install a newer onnx.",
            )


def _expect_inputs(graph: GraphProto, tensors: Tensors) -> None:
    """Raise ReadError if an input or output cannot be of its size, or is larger than anyone should make."""
    held = {tensor.name for tensor in graph.initializer}
    given = {value.name for value in graph.input} - held
    for value in (*graph.input, *graph.output, *graph.value_info):
        subject = f"{tensors.path}: value {value.name!r}"
        dims = value.type.tensor_type.shape.dim
        count = tensors.count([dim.dim_value for dim in dims if dim.HasField("dim_value")], subject)
        if value.name in given:
            tensors.limits.hold("input_elements", count, subject, "elements of an input")
