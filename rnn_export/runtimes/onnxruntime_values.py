"""What goes into and comes out of an onnxruntime session: types, arrays, and where the nodes were placed."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnn_export.runtimes.contract import Feeds, Results, Slot
from rnn_export.runtimes.failures import Refused

DTYPES = {
    "float": "float32",
    "double": "float64",
    "float16": "float16",
    "bfloat16": "bfloat16",
    "bool": "bool",
    **{
        name: name
        for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
}
BFLOAT16 = 16  # onnx.TensorProto.BFLOAT16


def slots(arguments: Sequence[Any]) -> tuple[Slot, ...]:
    """Return slots of a session's get_inputs() or get_outputs()."""
    return tuple(
        Slot(
            each.name,
            DTYPES.get(each.type.removeprefix("tensor(").removesuffix(")")),
            tuple(each.shape),
        )
        for each in arguments
    )


def run(session: Any, outputs: Sequence[Slot], feeds: Feeds) -> Results:
    """Return every output of one run."""
    names = [slot.name for slot in outputs]
    kinds = {slot.dtype for slot in outputs} | {array.dtype.name for array in feeds.values()}
    if "bfloat16" not in kinds:
        return dict(zip(names, session.run(names, dict(feeds)), strict=True))
    # onnxruntime's NumPy interface does not know bfloat16; its OrtValues do.
    made = importlib.import_module("onnxruntime").OrtValue
    given = {name: _value(made, array) for name, array in feeds.items()}
    results = session.run_with_ort_values(names, given)
    return {name: _array(value) for name, value in zip(names, results, strict=True)}


def _value(made: Any, array: np.ndarray) -> Any:
    if array.dtype.name != "bfloat16":
        return made.ortvalue_from_numpy(array)
    bits = np.ascontiguousarray(array).view(np.uint16)
    return made.ortvalue_from_numpy_with_onnx_type(bits, BFLOAT16)


def _array(value: Any) -> np.ndarray:
    if value.data_type() != "tensor(bfloat16)":
        plain: np.ndarray = value.numpy()
        return plain
    bfloat16 = importlib.import_module("ml_dtypes").bfloat16
    shape = value.shape()
    raw = ctypes.string_at(value.data_ptr(), 2 * int(np.prod(shape, dtype=np.int64)))
    return np.frombuffer(raw, bfloat16).reshape(shape)


def assigned(session: Any, name: str) -> list[tuple[str, str, str]]:
    """Return (node name, operator type, provider) of every node, in the graph's order of assignment."""
    if not hasattr(session, "get_provider_graph_assignment_info"):
        if session.get_providers() == ["CPUExecutionProvider"]:
            return [("*", "*", "CPUExecutionProvider")]
        raise Refused(
            f"runtime {name}",
            expected="a version that tells where each node runs (1.24 or later)",
            got="an older one",
            advice="Upgrade onnxruntime.",
        )
    return [
        (node.name, node.op_type, part.ep_name)
        for part in session.get_provider_graph_assignment_info()
        for node in part.get_nodes()
    ]
