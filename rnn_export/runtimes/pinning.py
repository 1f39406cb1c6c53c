"""Puts numbers in place of an ONNX file's symbolic dimensions, for products that compile for fixed shapes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def load_pinned(path: Path, sizes: Mapping[str, int]) -> Any:
    """Return the ModelProto of a file with every named dimension that ``sizes`` knows replaced, subgraphs too."""
    model = importlib.import_module("onnx").load(str(path))
    _pin(model.graph, sizes)
    return model


def _pin(graph: Any, sizes: Mapping[str, int]) -> None:
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in sizes:
                dim.dim_value = sizes[
                    dim.dim_param
                ]  # dim_param and dim_value are one field of two kinds
    for node in graph.node:
        for attribute in node.attribute:
            _pin(attribute.g, sizes)
            for inner in attribute.graphs:
                _pin(inner, sizes)
