"""Inputs and outputs as an ONNX file declares them, for products that do not tell by themselves."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from rnn_export.runtimes.contract import Slot


def load_slots(path: Path) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
    """Return inputs and outputs of an ONNX file; external data stays unread."""
    return slots_of(importlib.import_module("onnx").load(str(path), load_external_data=False).graph)


def slots_of(graph: Any) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
    """Return a GraphProto's inputs (initializers, which IR 3 lists among them, left out) and outputs."""
    given = {tensor.name for tensor in graph.initializer}
    inputs = tuple(_slot(value) for value in graph.input if value.name not in given)
    return inputs, tuple(_slot(value) for value in graph.output)


def _slot(value: Any) -> Slot:
    helper = importlib.import_module("onnx.helper")
    kind = value.type.tensor_type
    # Another kind than a tensor (a sequence, an optional) has element type 0.
    dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type).name if kind.elem_type else None
    if not kind.HasField("shape"):
        return Slot(value.name, dtype, None)
    return Slot(value.name, dtype, tuple(_dim(dim) for dim in kind.shape.dim))


def _dim(dim: Any) -> int | str | None:
    name: str | None = dim.dim_param or None
    return int(dim.dim_value) if dim.HasField("dim_value") else name
