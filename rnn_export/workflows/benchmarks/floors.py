"""The floor: what onnxruntime needs for a network's sums alone, by rates measured in the same rounds as the rest."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rnn_export.workflows.benchmarks.result import Floor
from rnn_export.workflows.benchmarks.work import Work

GEMM, STREAM, TANH = "floor: product", "floor: weights", "floor: tanh"
SIDE = 512
"""Of the large product: as fast as any, and short enough to run undisturbed now and then on a busy machine."""

SMALLEST = 512
"""Side of the smallest matrix whose reading is timed: 1 MB, which second-level caches hold."""

ACTIVATIONS = 65536
"""Values of one tanh: 256 KB, which the same caches hold."""

CHAIN = 16
"""Nodes in a row in the two smaller models, so that the call costs little beside them."""

OPSET, IR = 17, 8


def rate_models(work: Work, folder: Path) -> dict[str, tuple[Path, np.ndarray]]:
    """Write the three small models whose times give the rates; return file and input "x" of each by name.

    Args:
        work: whose largest matrix tells from which cache weights are read.
        folder: to write to.
    """
    largest = max((item.inner * item.columns for item in work.products), default=1)
    side = max(SMALLEST, round(float(largest) ** 0.5))
    return {
        GEMM: _written(folder / "floor_product.onnx", "MatMul", (SIDE, SIDE), 1),
        STREAM: _written(folder / "floor_weights.onnx", "MatMul", (1, side), CHAIN),
        TANH: _written(folder / "floor_tanh.onnx", "Tanh", (1, ACTIVATIONS), CHAIN),
    }


def floor(work: Work, seconds: Mapping[str, float], sides: Mapping[str, int]) -> Floor:
    """Return the floor of some work.

    A product takes the longer of its operations at the rate of a large product, and its weights at the rate at
    which a product with one row takes them in. What is added is that of products and activations: they follow
    one another.

    Args:
        work: of the network at one size.
        seconds: of the rate models' shortest runs, by name.
        sides: last axis of each one's input.
    """
    gemm_rate = 2 * sides[GEMM] ** 3 / seconds[GEMM]
    bandwidth = CHAIN * 4 * sides[STREAM] ** 2 / seconds[STREAM]
    activation_rate = CHAIN * sides[TANH] / seconds[TANH]
    products = sum(
        max(item.operations / gemm_rate, item.weights / bandwidth) for item in work.products
    )
    activations = work.activations / activation_rate
    return Floor(
        products + activations, products, activations, gemm_rate, bandwidth, activation_rate
    )


def _written(
    path: Path, operator: str, shape: tuple[int, int], count: int
) -> tuple[Path, np.ndarray]:
    """Write a chain of ``count`` nodes; the weights of products are one matrix."""
    generator = np.random.default_rng(0)
    weights: list[onnx.TensorProto] = []
    if operator == "MatMul":
        side = shape[1]
        matrix = generator.standard_normal((side, side), np.float32) / np.float32(side**0.5)
        weights.append(numpy_helper.from_array(matrix, "w"))
    names = ["x", *(f"h{number}" for number in range(1, count)), "y"]
    nodes = [
        helper.make_node(operator, [before, *(each.name for each in weights)], [after])
        for before, after in pairwise(names)
    ]
    graph = helper.make_graph(
        nodes,
        "rate",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        weights,
    )
    opset = helper.make_opsetid("", OPSET)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=IR), str(path))
    return path, generator.standard_normal(shape, np.float32)
