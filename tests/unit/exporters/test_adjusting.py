"""Adjustments change how a graph is written, and nothing of what it computes."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto

from rnn_export.builders import stacked
from rnn_export.errors import ExportError
from rnn_export.exporters import export
from rnn_export.exporters.adjusting import ADJUSTMENTS, adjusted, adjusted_model
from rnn_export.network import Network


def network() -> Network:
    made: Network = stacked([5, 6], 4, bias_initializer="uniform")
    return made


def run(model: ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = np.random.default_rng(0).standard_normal((3, 7, 4)).astype(np.float32)
    result: np.ndarray = session.run(None, {session.get_inputs()[0].name: x})[0]
    return result


@pytest.mark.parametrize("name", ["both outputs", "default direction"])
def test_an_adjusted_rnn_gives_the_same_bits(name: str) -> None:
    exported = export(network())
    other = adjusted(exported, [name])
    assert other.skeleton != exported.skeleton
    assert np.array_equal(run(other.model), run(exported.model))


def test_both_outputs_have_names() -> None:
    model = adjusted(export(network()), ["both outputs"]).model
    nodes = [node for node in model.graph.node if node.op_type == "RNN"]
    assert nodes
    assert all(len(node.output) == 2 and all(node.output) for node in nodes)


@pytest.mark.parametrize("name", [name for name in ADJUSTMENTS if "MatMul" in name])
def test_the_body_of_a_scan_is_a_product_and_a_sum(name: str) -> None:
    exported = export(network(), form="scan")
    model = adjusted(exported, [name]).model
    for node in model.graph.node:
        if node.op_type == "Scan":
            (body,) = [item.g for item in node.attribute if item.HasField("g")]
            kinds = [inner.op_type for inner in body.node]
            assert kinds[:2] == ["MatMul", "Add"]
            assert "Gemm" not in kinds
    # Another order of the same sum of 5 or 6 products and one term: off by what those may round, times 2 layers
    # of 7 steps, of which each keeps less than the whole error of the one before.
    terms, layers, steps = 7, 2, 7
    assert np.abs(run(model) - run(exported.model)).max() <= 4 * terms * layers * steps * 2.0**-24


def test_what_finds_nothing_to_change_leaves_the_export_as_it_is() -> None:
    exported = export(network(), form="scan")
    assert adjusted(exported, ["both outputs", "default direction"]) is exported


def test_an_unknown_adjustment_is_refused() -> None:
    with pytest.raises(ExportError, match="both outputs"):
        adjusted_model(export(network()).skeleton, ["nonsense"])
