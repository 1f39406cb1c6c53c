"""What the RNN nodes say: attributes, inputs and outputs as every runtime needs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import NodeProto, helper, numpy_helper

from rnn_export.exporters import export
from rnn_export.exporters.recurrent.activations import native
from rnn_export.network import Activation, ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import Affine, Cell, Recurrent
from tests.unit.exporters.exact import cell, feeds, halves, run

RANDOM = np.random.default_rng(6)


def network_of(
    kind: Activation, emit: str = "sequence", bias: bool = True, **options: bool
) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    made = cell(RANDOM, 3, 4, kind, bias=bias)
    (y,) = draft.call("rnn", Recurrent((made,), (emit,), **options), [x])
    draft.output("rnn", y)
    return draft.finish(Source("python", "one"))


def node_of(network: Network) -> NodeProto:
    nodes: list[NodeProto] = [
        item for item in export(network).model.graph.node if item.op_type == "RNN"
    ]
    assert len(nodes) == 1
    return nodes[0]


def attributes(node: NodeProto) -> dict[str, Any]:
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}


@pytest.mark.parametrize(("name", "onnx"), [("tanh", b"Tanh"), ("relu", b"Relu")])
def test_plain_activations_carry_nothing_that_sends_cuda_to_the_cpu(name: str, onnx: bytes) -> None:
    assert attributes(node_of(network_of(activation(name)))) == {
        "activations": [onnx],
        "direction": b"forward",
        "hidden_size": 4,
    }


@pytest.mark.parametrize(
    ("kind", "name", "alpha", "beta", "clip"),
    [
        (activation("linear"), "Affine", 1.0, 0.0, None),
        (activation("hard_sigmoid"), "HardSigmoid", 1 / 6, 0.5, None),
        (activation("hard_sigmoid", slope=0.2), "HardSigmoid", 0.2, 0.5, None),
        (activation("leaky_relu"), "LeakyRelu", 0.2, None, None),
        (activation("elu", alpha=0.3), "Elu", 0.3, None, None),
        (activation("relu6"), "Relu", None, None, 6.0),
        (activation("relu", max_value=2.0), "Relu", None, None, 2.0),
        (activation("relu", negative_slope=0.1), "LeakyRelu", 0.1, None, None),
        (activation("relu", threshold=0.7), "ThresholdedRelu", 0.7, None, None),
        (activation("hard_tanh"), "Affine", 1.0, 0.0, 1.0),
        (activation("threshold", threshold=0.7), "ThresholdedRelu", 0.7, None, None),
        (activation("softsign"), "Softsign", None, None, None),
        (activation("sigmoid"), "Sigmoid", None, None, None),
    ],
    ids=str,
)
def test_activations_that_the_operator_has_are_written_with_their_parameters(
    kind: Activation, name: str, alpha: float | None, beta: float | None, clip: float | None
) -> None:
    got = attributes(node_of(network_of(kind)))
    assert got["activations"] == [name.encode()]
    for key, value in (("activation_alpha", alpha), ("activation_beta", beta)):
        assert got.get(key) == (None if value is None else [float(np.float32(value))])
    assert got.get("clip") == clip


@pytest.mark.parametrize(
    "kind",
    [
        activation("softplus"),
        activation("log_sigmoid"),
        activation("gelu"),
        activation("softmax"),
        activation("threshold", default_value=1.0),
        activation("relu", negative_slope=0.1, max_value=2.0),
    ],
    ids=str,
)
def test_other_activations_take_a_scan_and_say_so(kind: Activation) -> None:
    exported = export(network_of(kind))
    assert native(kind) is None
    assert [
        node.op_type for node in exported.model.graph.node if node.op_type in ("RNN", "Scan")
    ] == ["Scan"]
    (note,) = exported.notes
    assert "'rnn'" in note
    assert str(kind) in note


def test_weights_are_initializers_in_the_layout_of_the_operator() -> None:
    network = network_of(activation("tanh"))
    op = network.calls[0].op
    assert isinstance(op, Recurrent)
    (wanted,) = op.cells
    assert wanted.bias is not None
    model = export(network).model
    held = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    w, r, b = (held[name] for name in node_of(network).input[1:4])
    np.testing.assert_array_equal(w, wanted.kernel.read().T[None])
    np.testing.assert_array_equal(r, wanted.recurrent_kernel.read().T[None])
    np.testing.assert_array_equal(b, np.concatenate([wanted.bias.read(), np.zeros(4)])[None])


def test_a_cell_without_bias_has_no_b() -> None:
    assert len(node_of(network_of(activation("tanh"), bias=False)).input) == 3


@pytest.mark.parametrize(
    ("emit", "outputs"), [("sequence", [True]), ("output", [False, True]), ("state", [False, True])]
)
def test_outputs_that_nobody_reads_are_left_out(emit: str, outputs: list[bool]) -> None:
    assert [bool(name) for name in node_of(network_of(activation("tanh"), emit)).output] == outputs


def test_a_node_is_named_by_its_cell() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    cells = (cell(RANDOM, 3, 4, name="low"), cell(RANDOM, 4, 5, name="high"))
    (y,) = draft.call("encoder/rnn", Recurrent(cells), [x])
    draft.output("rnn", y)
    names = [node.name for node in export(draft.finish(Source("python", ""))).model.graph.node]
    assert [name for name in names if name.endswith(("low", "high"))] == [
        "encoder/rnn#0/low",
        "encoder/rnn#0/high",
    ]


def test_selu_is_elu_with_its_factor_in_r_and_on_the_states() -> None:
    kind = activation("selu")
    network = network_of(kind)
    form = native(kind)
    assert form is not None
    model = export(network).model
    (node,) = [item for item in model.graph.node if item.op_type == "RNN"]
    assert attributes(node)["activations"] == [b"Elu"]
    held = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    op = network.calls[0].op
    assert isinstance(op, Recurrent)
    recurrent = op.cells[0].recurrent_kernel.read()
    np.testing.assert_array_equal(held[node.input[2]], (recurrent * np.float32(form.scale)).T[None])
    assert [item.op_type for item in model.graph.node].count("Mul") == 1


def test_one_shared_layer_stores_its_weights_once() -> None:
    draft = Draft()
    op = Recurrent((cell(RANDOM, 3, 4),))
    for name in ("a", "b"):
        x = draft.input(name, ("batch", f"{name}_time", 3), "float32")
        (y,) = draft.call("shared", op, [x])
        draft.output(f"{name}_end", y)
    model = export(draft.finish(Source("python", "shared"))).model
    nodes = [node for node in model.graph.node if node.op_type == "RNN"]
    assert nodes[0].input[1:4] == nodes[1].input[1:4]
    assert [node.name for node in nodes] == ["shared#0", "shared#1"]
    shapes = {info.name: info.type.tensor_type.shape.dim[1].dim_param for info in model.graph.input}
    assert shapes == {"a": "a_time", "b": "b_time"}


def test_weights_are_rounded_to_the_dtype_of_the_call() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 1), "float16")
    third = ArrayWeight(np.full((1, 1), 1 / 3, np.float32))
    op = Recurrent((Cell("", third, third, None, activation("tanh")),))
    (y,) = draft.call("rnn", op, [x], dtype="float16")
    draft.output("rnn", y)
    model = export(draft.finish(Source("python", "half"))).model
    (node,) = [item for item in model.graph.node if item.op_type == "RNN"]
    held = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    assert held[node.input[1]].dtype == np.float32
    assert held[node.input[1]].item() == float(np.float16(1 / 3))


def test_an_initial_state_of_selu_is_divided_first() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    h = draft.input("h0", ("batch", 4), "float32")
    zeros = ArrayWeight(np.zeros((3, 4), np.float32))
    identity = ArrayWeight(np.eye(4, dtype=np.float32))
    op = Recurrent((Cell("", zeros, identity, None, activation("selu")),), ("state",))
    (y,) = draft.call("rnn", op, [x], initial=[h])
    draft.output("rnn", y)
    network = draft.finish(Source("python", "selu"))
    given = {**feeds(network, RANDOM, 2, 1), "h0": np.abs(halves(RANDOM, (2, 4))) + 0.5}
    got = run(export(network).model, given)["rnn"]
    scale = native(activation("selu"))
    assert scale is not None
    # Division, product with the scaled identity, and the factor of the output: three roundings.
    want = scale.scale * given["h0"].astype(np.float64)
    assert np.all(np.abs(got - want) <= 4 * 2.0**-24 * np.abs(want))


def test_a_size_that_the_network_fixes_otherwise_is_noted() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", 5, 3), "float32")
    draft.output("y", *draft.call("kept", Affine(2.0, 1.0), [x]))
    net = draft.finish(Source("python", "fixed"))
    (note,) = export(net, time=7, batch=2).notes
    assert note == "time 7 changes nothing: the network leaves no axis 'time' open"
    assert export(net, time=5).notes == ()
