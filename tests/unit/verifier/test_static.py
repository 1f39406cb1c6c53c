"""The static check alone: what it makes of files that hold anything."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper

from rnn_export.exporters import export
from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import Cell, Embedding, ParametricRelu, Recurrent
from rnn_export.verifier.static import check_weights
from tests.unit.verifier.showing import network


def test_infinite_and_huge_numbers_in_a_file_end_in_no_warning() -> None:
    net = network()
    stored = {path: weight.read().copy() for path, weight in net.weights()}
    assert not check_weights(net, stored).faults
    for path, values in stored.items():
        for number in (np.inf, np.nan, 3e38):
            spoilt = values.copy()
            spoilt.flat[1] = number
            assert check_weights(net, {**stored, path: spoilt}).faults, (path, number)
    sums = np.full((1, 14), 3e38, np.float32)
    assert not check_weights(net, {**stored, "B": sums}).faults


def test_two_numbers_that_are_near_a_bias_by_chance_are_no_fault() -> None:
    # Drawn by scripts/random_models.py --seed 401: a row of one layer's kernel beside another's bias.
    net = network((2,))
    (path,) = [path for path, _ in net.weights() if path.endswith("bias")]
    bias = dict(net.weights())[path].read()
    stored = {name: weight.read() for name, weight in net.weights()}
    other = np.stack([bias * np.float32(1.002), bias[::-1]])
    assert not check_weights(net, {**stored, "other/W": other}).faults


def two_units(bias: tuple[float, float]) -> Network:
    kernel = np.array([[0.25, -0.5], [0.75, 1.5], [-0.125, 0.625]], np.float32)
    recurrent = np.array([[0.375, -0.875], [0.1875, 0.4375]], np.float32)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    offset = ArrayWeight(np.array(bias, np.float32))
    cell = Cell("", ArrayWeight(kernel), ArrayWeight(recurrent), offset, activation("tanh"))
    draft.output("rnn", draft.call("rnn", Recurrent((cell,)), [x])[0])
    return draft.finish(Source("python", "two"))


@pytest.mark.parametrize("form", ["rnn", "scan", "wavefront"])
def test_a_bias_that_shares_a_number_with_a_row_of_r_is_no_fault(form: str) -> None:
    network = two_units((0.375, 0.5))
    graph = export(network, form=form).model.graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    stored = {name: values for name, values in stored.items() if values.dtype.kind == "f"}
    found = check_weights(network, stored)
    assert found.faults == ()
    assert found.skipped == ()
    stored["rnn/R"] = np.nextafter(stored["rnn/R"], np.float32(9))
    assert [fault.layer for fault in check_weights(network, stored).faults] == ["rnn"]


def looked_up(rows: np.ndarray, kernel: np.ndarray) -> tuple[Network, dict[str, np.ndarray]]:
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int32")
    (x,) = draft.call("embedding", Embedding(ArrayWeight(rows)), [tokens])
    units = kernel.shape[1]
    recurrent = ArrayWeight(
        np.linspace(-0.5, 0.5, units * units, dtype=np.float32).reshape(units, units)
    )
    cell = Cell("", ArrayWeight(kernel), recurrent, None, activation("tanh"))
    draft.output("rnn", draft.call("rnn", Recurrent((cell,)), [x])[0])
    network = draft.finish(Source("python", "tokens"))
    graph = export(network, form="scan", fold=True).model.graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    return network, {name: values for name, values in stored.items() if values.dtype.kind == "f"}


TABLE = {"rnn#0": "rnn/table"}


def test_a_table_is_right_where_some_order_of_adding_up_gives_it() -> None:
    rng = np.random.default_rng(1)
    rows, kernel = rng.standard_normal((2, 40, 40)).astype(np.float32)
    network, stored = looked_up(rows, kernel[:, :3])
    assert check_weights(network, stored, TABLE).faults == ()
    table = stored["rnn/table"]
    other = (rows[::-1, ::-1].astype(np.float64) @ kernel[::-1, :3].astype(np.float64))[::-1]
    turned = {**stored, "rnn/table": other.astype(np.float32)}
    assert check_weights(network, turned, TABLE).faults == ()
    # Added up in float32, many entries are off by a rounding or two: no order in float64 gives that.
    narrow = {**stored, "rnn/table": rows @ kernel[:, :3]}
    (fault,) = check_weights(network, narrow, TABLE).faults
    assert "entries differ in the file's rnn/table" in fault.text
    for direction in (-9, 9):
        off = table.copy()
        off[7, 2] = np.nextafter(off[7, 2], np.float32(direction))
        (fault,) = check_weights(network, {**stored, "rnn/table": off}, TABLE).faults
        assert fault.layer == "rnn"
        assert "table of rnn differs in the file's rnn/table" in fault.text
        assert "at [7, 2]" in fault.text


def test_a_sum_that_cancels_may_differ_by_what_float64_loses() -> None:
    # 1 + tiny - 1 is 0 in one order and tiny in another.
    tiny = 2.0**-60
    rows = np.array([[1, tiny, -1], [3, 2, 1]], np.float32)
    kernel = np.ones((3, 2), np.float32) * np.array([1, 2], np.float32)
    network, stored = looked_up(rows, kernel)
    for value, faults in ((0.0, 0), (tiny, 0), (2.0**-40, 1)):
        table = stored["rnn/table"].copy()
        table[0, 0] = value
        assert len(check_weights(network, {**stored, "rnn/table": table}, TABLE).faults) == faults


def test_a_table_of_infinities_and_nan_is_compared_like_any_other() -> None:
    rows = np.array([[np.inf, 1], [1, np.nan], [3e38, 3e38], [1, 2]], np.float32)
    kernel = np.array([[1, -2, 0], [1, 0.5, 3]], np.float32)
    network, stored = looked_up(rows, kernel)
    assert check_weights(network, stored, TABLE).faults == ()
    for place in ((0, 0), (1, 1), (2, 0), (3, 2)):
        off = stored["rnn/table"].copy()
        off[place] = 1.5
        (fault,) = check_weights(network, {**stored, "rnn/table": off}, TABLE).faults
        assert f"at [{place[0]}, {place[1]}]" in fault.text


def test_what_a_file_says_of_tables_that_it_does_not_hold_is_no_fault() -> None:
    rng = np.random.default_rng(2)
    network, stored = looked_up(
        rng.standard_normal((9, 4)).astype(np.float32),
        rng.standard_normal((4, 3)).astype(np.float32),
    )
    for said in ({"rnn#0": "gone"}, {"other#0": "rnn/table"}, {"rnn#0": "rnn/R"}):
        found = check_weights(network, stored, said)
        assert found.faults == ()
        assert {"embedding/table", "rnn/kernel"} <= set(found.skipped)
    wide = {**stored, "rnn/table": stored["rnn/table"].astype(np.float64)}
    assert "rnn/kernel" in check_weights(network, wide, TABLE).skipped


def slopes(**alphas: list[object]) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", 3, 5), "float32")
    for name, alpha in alphas.items():
        op = ParametricRelu(ArrayWeight(np.array(alpha, np.float32)))
        (x,) = draft.call(name, op, [x])
    draft.output("y", x)
    return draft.finish(Source("python", "slopes"))


@pytest.mark.parametrize(
    "first", [[[1, 1, 1, 1, 1]], [[1, 1, 1, 1, 1], [1, -1, 1, -1, 1], [1, 1, 1, 1, -1]]]
)
def test_one_weight_that_is_nearly_another_is_no_fault(first: list[object]) -> None:
    # Drawn by scripts/random_models.py --seed 401: few different numbers, and one weight of the same throughout.
    net = slopes(first=first, second=[[1, 1, -1, 1, 1]])
    stored = {path: weight.read() for path, weight in net.weights()}
    assert not check_weights(net, stored).faults
    moved = stored["second/alpha"].copy()
    moved[0, 2] = 0.5
    assert check_weights(net, {**stored, "second/alpha": moved}).faults
