"""Graphs that ONNX allows and nobody makes: the search for states passes them by, and soon."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from rnn_export.errors import ReadError
from rnn_export.exporters import export
from rnn_export.exporters.taps import tap
from rnn_export.readers import read
from rnn_export.workflows.onnx_input import open_onnx
from tests.attacks.fuzzing import CORPUS


def model_of(nodes: Sequence[NodeProto], outputs: Sequence[str]) -> ModelProto:
    """Return a model of these nodes over an input "x" and a constant square matrix "r"."""
    graph = GraphProto(name="odd")
    graph.node.extend(nodes)
    graph.input.append(helper.make_tensor_value_info("x", 1, [4, 4]))
    graph.output.extend(helper.make_tensor_value_info(name, 1, [4, 4]) for name in outputs)
    graph.initializer.append(numpy_helper.from_array(np.eye(4, dtype=np.float32), "r"))
    return ModelProto(ir_version=10, graph=graph, opset_import=[helper.make_opsetid("", 17)])


def exported(form: str) -> ModelProto:
    model = ModelProto()
    model.CopyFrom(export(read(CORPUS / "tiny.keras"), form=form).model)
    return model


def of(model: ModelProto, kind: str) -> NodeProto:
    found: NodeProto = next(node for node in model.graph.node if node.op_type == kind)
    return found


def test_a_direction_that_is_no_text_is_that_of_no_direction() -> None:
    model = exported("rnn")
    node = of(model, "RNN")
    node.attribute.append(helper.make_attribute("direction", b"\xff"))
    assert len(tap(model).cells) == 1


def test_a_node_without_a_name_or_outputs_gets_them() -> None:
    model = model_of([helper.make_node("RNN", ["x", "r", "r"], [], hidden_size=4)], [])
    assert len(tap(model).cells) == 1


def test_a_hint_of_units_that_are_no_numbers_is_none() -> None:
    model = exported("scan")
    node = of(model, "Scan")
    node.metadata_props.add(key="rnn_export.units", value="many,\u00b2,9999999999999")
    assert len(tap(model).cells) == 1


@pytest.mark.parametrize("change", ["streams", "bodies", "axes"])
def test_a_scan_that_does_not_fit_its_body_has_no_states(change: str) -> None:
    model = exported("scan")
    node = of(model, "Scan")
    options = {item.name: item for item in node.attribute}
    if change == "streams":
        options["num_scan_inputs"].i = 7
    elif change == "bodies":
        del options["body"].g.input[-1]
    else:
        node.attribute.append(helper.make_attribute("scan_output_axes", [0] * 9))
    assert tap(model).cells == ()


def test_steps_whose_inputs_are_made_in_several_ways_are_in_the_order_of_the_graph() -> None:
    nodes = [
        helper.make_node("Tanh", ["x"], ["a0"]),
        helper.make_node("Gather", ["x", "x"], ["a1"]),
        helper.make_node("Gemm", ["x", "r", "a0"], ["g0"]),
        helper.make_node("Tanh", ["g0"], ["h0"]),
        helper.make_node("Gemm", ["h0", "r", "a1"], ["g1"]),
        helper.make_node("Tanh", ["g1"], ["h1"]),
    ]
    (cell,) = tap(model_of(nodes, ["h1"])).cells
    assert cell.states.outputs == ("h0", "h1")
    assert cell.x is None


def test_thousands_of_nodes_before_thousands_of_steps_take_seconds(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Tanh", ["x" if k == 0 else f"t{k - 1}"], [f"t{k}"]) for k in range(3000)
    ]
    nodes += [helper.make_node("Gemm", ["t2999", "r", "t2999"], [f"g{k}"]) for k in range(2000)]
    started = time.process_time()
    assert len(tap(model_of(nodes, ["g0"])).cells) == 2000
    assert time.process_time() - started < 5


def test_thousands_of_nodes_without_names_get_names_in_seconds() -> None:
    nodes = [helper.make_node("RNN", ["x", "r", "r"], []) for _ in range(2000)]
    started = time.process_time()
    assert len(tap(model_of(nodes, [])).cells) == 2000
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("node", "wrong"),
    [
        (helper.make_node("Gemm", ["x"], ["y"]), "expected 2 to 3 inputs, got 1"),
        (helper.make_node("Gemm", ["x", ""], ["y"]), "expected inputs with B, got none"),
        (helper.make_node("Tanh", ["x"], ["y", "z"]), "expected 1 outputs, got 2"),
        (helper.make_node("Tanh", ["x"], ["y"], alpha=1.0), "no such attribute 'alpha'"),
        (helper.make_node("Cast", ["x"], ["y"], to=1.5), "one int 'to'"),
        (helper.make_node("Cast", ["x"], ["y"]), "the attribute 'to', got none"),
        (helper.make_node("Tansh", ["x"], ["y"]), "an operator of opset 17, got an unknown one"),
    ],
)
def test_a_node_that_its_operator_does_not_allow_is_refused(
    node: NodeProto, wrong: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.onnx"
    path.write_bytes(model_of([node], ["y"]).SerializeToString())
    with pytest.raises(ReadError, match=wrong):
        open_onnx(path)
