"""Taps on files that are not ours: the states are found by what the nodes compute, names only hint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx.reference import ReferenceEvaluator

from rnn_export.exporters import export
from rnn_export.exporters.taps import CellTap, Reading, Take, tap
from rnn_export.network import Draft, Source, activation
from rnn_export.network.activations import SELU_SCALE
from rnn_export.network.ops import Recurrent
from tests.unit.exporters.exact import cell, halves, run

RANDOM = np.random.default_rng(11)
TIME, BATCH, FEATURES, UNITS = 5, 2, 3, 4
X = halves(RANDOM, (TIME, BATCH, FEATURES))


def foreign(
    outputs: Sequence[str] = ("", "last"),
    inputs: Sequence[str] = (),
    directions: int = 1,
    **options: Any,
) -> onnx.ModelProto:
    """A file as another exporter writes it: nameless nodes, an input that goes straight into the RNN."""
    held = {
        "w": halves(RANDOM, (directions, UNITS, FEATURES), 1),
        "r": halves(RANDOM, (directions, UNITS, UNITS), 1) / 2,
        "lengths": np.array([3, 5], np.int32),
        "start": halves(RANDOM, (directions, BATCH, UNITS)),
    }
    batchwise = options.get("layout") == 1
    if batchwise:
        held["start"] = held["start"].transpose(1, 0, 2).copy()
    node = helper.make_node(
        "RNN",
        ["x", "w", "r", *inputs],
        list(outputs),
        hidden_size=UNITS,
        activations=["Tanh"] * directions,
        **options,
    )
    shape = [BATCH, TIME, FEATURES] if batchwise else [TIME, BATCH, FEATURES]
    state = [BATCH, directions, UNITS] if batchwise else [directions, BATCH, UNITS]
    graph = helper.make_graph(
        [node],
        "foreign",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("last", TensorProto.FLOAT, state)],
        [numpy_helper.from_array(held[name], name) for name in ("w", "r", *inputs) if name in held],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def evaluated(
    model: onnx.ModelProto, x: np.ndarray, reference: bool = False
) -> dict[str, np.ndarray]:
    if not reference:
        return run(model, {"x": x})
    names = [item.name for item in model.graph.output]
    return dict(zip(names, ReferenceEvaluator(model).run(None, {"x": x}), strict=True))


def weights_of(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}


def check_steps(
    shown: CellTap, outputs: dict[str, np.ndarray], w: np.ndarray, r: np.ndarray
) -> None:
    """Each state is one tanh step from the one before, up to the rounding of nine terms and of tanh itself."""
    assert shown.x is not None
    x, states = shown.x(outputs), shown.states(outputs)
    assert x.shape == (TIME, BATCH, FEATURES)
    np.testing.assert_array_equal(x, X)
    for row in range(BATCH):
        count = TIME if shown.lengths is None else int(shown.lengths(outputs)[row])
        state = np.zeros(UNITS) if shown.initial is None else shown.initial(outputs)[row]
        for t in reversed(range(count)) if shown.reverse else range(count):
            sizes = np.abs(x[t, row]) @ np.abs(w.T) + np.abs(state) @ np.abs(r.T)
            want = np.tanh(x[t, row].astype(np.float64) @ w.T + state.astype(np.float64) @ r.T)
            assert np.all(np.abs(states[t, row] - want) <= 2.0**-24 * (9 * sizes * 1.01 + 9))
            state = states[t, row]


@pytest.mark.parametrize("outputs", [("", "last"), ("all", "last")])
@pytest.mark.parametrize("inputs", [(), ("", "", "start"), ("", "lengths", "start")])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_a_foreign_rnn_node_shows_every_step(
    direction: str, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> None:
    directions = 2 if direction == "bidirectional" else 1
    model = foreign(outputs, inputs, directions, direction=direction)
    before = model.SerializeToString()
    tapped = tap(model)
    assert model.SerializeToString() == before
    onnx.checker.check_model(tapped.model, full_check=True)
    got = evaluated(tapped.model, X)
    np.testing.assert_array_equal(got["last"], evaluated(model, X)["last"])
    held = weights_of(model)
    assert len(tapped.cells) == directions
    for k, shown in enumerate(tapped.cells):
        assert (shown.cell, shown.node, shown.scale) == (None, "", 1.0)
        check_steps(shown, got, held["w"][k], held["r"][k])


def test_a_batchwise_node_is_read_time_first() -> None:
    model = foreign(inputs=("", "", "start"), layout=1)
    tapped = tap(model)
    got = evaluated(tapped.model, X.transpose(1, 0, 2).copy(), reference=True)
    (shown,) = tapped.cells
    held = weights_of(model)
    check_steps(shown, got, held["w"][0], held["r"][0])


@pytest.mark.filterwarnings("ignore::RuntimeWarning:onnx")
def test_the_cases_of_the_onnx_backend_suite_can_be_tapped() -> None:
    cases = [case for case in load_model_tests(kind="node") if "rnn" in case.name and case.model]
    assert len(cases) >= 6
    for case in cases:
        assert case.model is not None
        tapped = tap(case.model)
        onnx.checker.check_model(tapped.model, full_check=True)
        (node,) = case.model.graph.node
        assert len(tapped.cells) == (2 if "bidirectional" in case.name else 1)
        added = len(tapped.model.graph.output) - len(case.model.graph.output)
        assert added >= 1, node.name


def scan(body: Sequence[onnx.NodeProto], outputs: int = 1, **options: Any) -> onnx.ModelProto:
    """Two states in one Scan: h = tanh(h R + x W) and a counter, which is no recurrence of that kind."""
    value = helper.make_tensor_value_info
    inner = helper.make_graph(
        list(body),
        "body",
        [value(name, TensorProto.FLOAT, None) for name in ("count", "h", "xw")],
        [
            value(name, TensorProto.FLOAT, None)
            for name in ("counted", "next", "copy")[: 2 + outputs]
        ],
    )
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["projected"]),
        helper.make_node(
            "Scan",
            ["zero", "start", "projected"],
            ["total", "last", "all"][: 2 + outputs],
            body=inner,
            num_scan_inputs=1,
            **options,
        ),
    ]
    held = {
        "w": halves(RANDOM, (FEATURES, UNITS), 1),
        "r": halves(RANDOM, (UNITS, UNITS), 1) / 2,
        "zero": np.zeros((1, 1), np.float32),
        "one": np.ones((1, 1), np.float32),
        "start": halves(RANDOM, (BATCH, UNITS)),
    }
    graph = helper.make_graph(
        nodes,
        "foreign",
        [value("x", TensorProto.FLOAT, [TIME, BATCH, FEATURES])],
        [value("last", TensorProto.FLOAT, [BATCH, UNITS])],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


COUNT = helper.make_node("Add", ["count", "one"], ["counted"])
TANH = helper.make_node("Tanh", ["z"], ["next"])
COPY = helper.make_node("Identity", ["next"], ["copy"])
GEMM = [helper.make_node("Gemm", ["h", "r", "xw"], ["z"])]
SUM = [
    helper.make_node("MatMul", ["h", "r"], ["hr"]),
    helper.make_node("Add", ["xw", "hr"], ["z"]),
]


@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("outputs", [0, 1])
@pytest.mark.parametrize("step", [GEMM, SUM], ids=["Gemm", "MatMul and Add"])
def test_a_foreign_scan_shows_its_recurrence(
    step: list[onnx.NodeProto], outputs: int, reverse: int
) -> None:
    options = {"scan_input_directions": [reverse]}
    if outputs:
        options["scan_output_directions"] = [0]
    model = scan([COUNT, *step, TANH, *([COPY] if outputs else [])], outputs, **options)
    tapped = tap(model)
    onnx.checker.check_model(tapped.model, full_check=True)
    (shown,) = tapped.cells
    assert shown.reverse == bool(reverse)
    held = weights_of(model)
    check_steps(shown, evaluated(tapped.model, X), held["w"].T, held["r"].T)


@pytest.mark.parametrize("time", [1, 2, 5])
def test_calls_of_one_layer_that_hand_their_state_on_are_shown_apart(time: int) -> None:
    """They share R: unrolled, the steps of one call stand behind those of another."""
    draft = Draft()
    x = draft.input("x", ("batch", time, 3), "float32")
    op = Recurrent((cell(RANDOM, 3, 4),), ("sequence", "state"))
    y0, h0 = draft.call("rnn", op, [x])
    y1, h1 = draft.call("rnn", op, [x], initial=[h0])
    y2, _ = draft.call("rnn", op, [x], initial=[h1])
    y3, _ = draft.call("rnn", op, [x], initial=[h1])
    for name, y in zip("abcd", (y0, y1, y2, y3), strict=True):
        draft.output(name, y)
    model = export(draft.finish(Source("python", "loop")), form="unrolled").model
    tapped = tap(model)
    given = halves(RANDOM, (BATCH, time, 3))
    got = run(tapped.model, {"x": given})
    shown = {item.cell: item.states(got) for item in tapped.cells}
    # A single step from zeros multiplies no state, and is not recognised.
    assert set(shown) == {f"rnn#{k}" for k in range(time == 1, 4)}
    for path, states in shown.items():
        np.testing.assert_array_equal(states.swapaxes(0, 1), got["abcd"[int(str(path)[-1])]])


def test_what_is_no_recurrence_is_not_taken_for_one() -> None:
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["y"])]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "dense",
        [value("x", TensorProto.FLOAT, ["batch", 3])],
        [value("y", TensorProto.FLOAT, ["batch", 4])],
        [
            numpy_helper.from_array(np.ones((3, 4), np.float32), "w"),
            numpy_helper.from_array(np.ones(4, np.float32), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    tapped = tap(model)
    assert tapped.cells == ()
    assert tapped.model == model


def test_the_factor_of_selu_is_read_from_the_graph() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    (y,) = draft.call("rnn", Recurrent((cell(RANDOM, 3, 4, activation("selu")),)), [x])
    draft.output("rnn", y)
    (shown,) = tap(export(draft.finish(Source("python", "selu"))).model).cells
    assert shown.scale == float(np.float32(SELU_SCALE))


def test_elu_of_the_same_alpha_without_the_factor_is_just_elu() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    kind = activation("elu", alpha=1.6732632423543772)
    (y,) = draft.call("rnn", Recurrent((cell(RANDOM, 3, 4, kind),)), [x])
    draft.output("rnn", y)
    (shown,) = tap(export(draft.finish(Source("python", "elu"))).model).cells
    assert shown.scale == 1.0


@pytest.mark.parametrize("kind", ["gelu", "tanh", "silu"])
def test_what_a_tap_shows_has_an_element_type_behind_a_scan_too(kind: str) -> None:
    """In the form rnn, a layer whose activation the operator lacks is a Scan between RNN nodes."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    for at, name in enumerate((kind, "tanh", kind)):
        op = Recurrent((cell(RANDOM, 3, 3, activation(name)),), ("sequence",))
        (x,) = draft.call(f"rnn{at}", op, [x])
    draft.output("rnn2", x)
    tapped = tap(export(draft.finish(Source("python", "mixed"))).model)
    assert len(tapped.cells) == 3
    kinds = {item.type.tensor_type.elem_type for item in tapped.model.graph.output}
    assert kinds == {TensorProto.FLOAT}
    onnx.checker.check_model(tapped.model)


def test_a_reading_stacks_single_steps() -> None:
    arrays = {"a": np.zeros((2, 3)), "b": np.ones((2, 3))}
    assert Reading(("a", "b"), stacked=True)(arrays).shape == (2, 2, 3)
    assert Reading(("a",), stacked=True)(arrays).shape == (1, 2, 3)
    np.testing.assert_array_equal(Reading(("b",), (Take(1, 2),))(arrays), np.ones(2))
