"""Which form and which Casts carry each dtype, so that the file loads in onnxruntime and is near to the numbers."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest

from rnn_export.builders import reference
from rnn_export.exporters import FORMS, export
from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import Cast, Cell, Dense, LayerNormalization, Permute, Recurrent
from tests.unit.exporters.exact import feeds, halves, run
from tests.unit.exporters.running import UNITS, ran

RANDOM = np.random.default_rng(10)
TIME = 6


def weights(dtype: str, *shape: int) -> ArrayWeight:
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    return ArrayWeight((RANDOM.standard_normal(shape) * 0.4).astype(kind))


def tanh(dtype: str, units: int = 4, sequences: bool = True) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), dtype)
    made = Cell(
        "",
        weights(dtype, 3, units),
        weights(dtype, units, units),
        weights(dtype, units),
        activation("tanh"),
    )
    emits = ("sequence",) if sequences else ("output",)
    (y,) = draft.call("rnn", Recurrent((made,), emits), [x], dtype=dtype)
    draft.output("rnn", y)
    return draft.finish(Source("python", dtype))


@pytest.mark.parametrize("dtype", UNITS)
@pytest.mark.parametrize("form", FORMS)
def test_every_dtype_loads_and_is_near_to_the_exact_numbers(form: str, dtype: str) -> None:
    network = tanh(dtype)
    model = export(network, form=form, time=TIME if form == "unrolled" else None).model
    x = RANDOM.standard_normal((2, TIME, 3)).astype(
        ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    )
    got = ran(model, x)
    assert got.dtype.name == dtype
    want = reference.run(network, {"x": x.astype(np.float64)}, np.float64)["rnn"]
    op = network.calls[0].op
    assert isinstance(op, Recurrent)
    recurrent = np.abs(op.cells[0].recurrent_kernel.read().astype(np.float64))
    # gamma_n with n = 3 + 4 + 2 terms of at most |W||x| + |R| + |b|, and 9u for tanh itself, in the
    # arithmetic; carried from step to step by |R|, as the slope of tanh is at most 1.
    inner = min(UNITS[dtype], UNITS["float32"])
    held = [item for item in (op.cells[0].kernel, op.cells[0].bias) if item is not None]
    sizes = np.abs(x.astype(np.float64)).max() * np.abs(held[0].read().astype(np.float64)).sum(
        axis=0
    )
    sizes = sizes + recurrent.sum(axis=0) + np.abs(held[1].read().astype(np.float64))
    local = inner * (9 * sizes * 1.01 + 9)
    bound = np.zeros(4)
    for t in range(TIME):
        bound = local + bound @ recurrent
        # Narrow dtypes are rounded once, at the end.
        assert np.all(np.abs(got[:, t].astype(np.float64) - want[:, t]) <= bound + UNITS[dtype])


def test_float64_takes_a_scan_and_says_so() -> None:
    exported = export(tanh("float64"))
    assert exported.notes == (
        "layer 'rnn' is written as Scan: onnxruntime's CPU provider has no RNN operator in float64",
    )
    assert exported.form == "rnn"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_dtypes_take_a_cast_at_each_port_and_no_more(dtype: str) -> None:
    counts = Counter(node.op_type for node in export(tanh(dtype, sequences=False)).model.graph.node)
    assert counts == {"Cast": 2, "Transpose": 1, "RNN": 1, "Squeeze": 1}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_results_that_another_call_reads_are_rounded(dtype: str) -> None:
    """256 + 1 and 2048 + 1 are no numbers of these types; the sum that follows must not see them."""
    draft = Draft()
    x = draft.input("x", ("batch", 1), dtype)
    one = ArrayWeight(np.ones((1, 1), np.float32))
    add = Dense(one, ArrayWeight(np.ones(1, np.float32)), activation("linear"))
    (y,) = draft.call("low", add, [x], dtype=dtype)
    (z,) = draft.call("high", add, [y], dtype=dtype)
    draft.output("high", z)
    model = export(draft.finish(Source("python", "rounded"))).model
    kind = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    big = np.array([[2048.0 if dtype == "float16" else 256.0]], kind)
    assert ran(model, big).astype(np.float64).item() == float(big.astype(np.float64).item())


@pytest.mark.parametrize("source", ["float16", "bfloat16", "float64", "int32", "bool"])
@pytest.mark.parametrize("target", ["float16", "bfloat16", "float32", "float64"])
def test_casts_round_to_what_they_name(source: str, target: str) -> None:
    draft = Draft()
    x = draft.input("x", ("batch", 2), source)
    (y,) = draft.call("cast", Cast(), [x], dtype=target)
    (z,) = draft.call("wide", Cast(), [y], dtype="float64")
    draft.output("wide", z)
    model = export(draft.finish(Source("python", "cast"))).model
    kinds = {"bfloat16": ml_dtypes.bfloat16}
    values = np.array([[1 / 3, 1.0], [0.0, 257.0]]).astype(kinds.get(source, source))
    want = values.astype(kinds.get(target, target)).astype(np.float64)
    np.testing.assert_array_equal(ran(model, values), want)


def test_normalization_in_float16_computes_wider() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", 4), "float16")
    (y,) = draft.call("norm", LayerNormalization((-1,), 1.75, None, None), [x], dtype="float16")
    draft.output("norm", y)
    model = export(draft.finish(Source("python", "norm"))).model
    # The squares of these are beyond float16.
    given = (512 + np.array([[1.5, -1.5, -1.5, 1.5]])).astype(np.float16)
    np.testing.assert_array_equal(ran(model, given), [[0.75, -0.75, -0.75, 0.75]])


def crashing() -> Network:
    """Transpose, Cast, MatMul: what onnxruntime 1.24 to 1.31 dies of while it loads."""
    draft = Draft()
    x = draft.input("x", ("batch", 4, 3, "time"), "float64")
    (y,) = draft.call("permute", Permute((3, 1, 2)), [x], dtype="float64")
    (z,) = draft.call("cast", Cast(), [y], dtype="float32")
    kernel = ArrayWeight(halves(RANDOM, (3, 2)))
    (end,) = draft.call("dense", Dense(kernel, None, activation("linear")), [z])
    draft.output("dense", end)
    return draft.finish(Source("python", "crash"))


def test_no_cast_stands_between_a_transpose_and_a_matmul() -> None:
    network = crashing()
    model = export(network).model
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == ["Cast", "Transpose", "MatMul"]
    given = feeds(network, RANDOM, 2, 5)
    np.testing.assert_array_equal(
        run(model, given)["dense"], reference.run(network, given, np.float64)["dense"]
    )


def test_the_crash_that_this_guards_against_is_still_there(tmp_path: Path) -> None:
    """When onnxruntime loads this file, `guards` can go."""
    helper = onnx.helper
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[1, 0, 2]),
        helper.make_node("Cast", ["a"], ["b"], to=onnx.TensorProto.FLOAT),
        helper.make_node("MatMul", ["b", "w"], ["y"]),
    ]
    w = onnx.numpy_helper.from_array(np.ones((3, 2), np.float32), "w")
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT16, ["n", "t", 3])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["t", "n", 2])
    graph = helper.make_graph(nodes, "crash", [x], [y], [w])
    path = tmp_path / "crash.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path
    )
    code = "import onnxruntime, sys; onnxruntime.InferenceSession(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=False)
    assert done.returncode in (-11, 0), done.stderr


def test_an_order_that_changes_nothing_is_not_written() -> None:
    """Onnxruntime folds any Transpose of two axes before a MatMul, even perm = [0, 1]."""
    draft = Draft()
    x = draft.input("x", ("batch", 3), "float32")
    (y,) = draft.call("permute", Permute((1,)), [x])
    draft.output("permute", y)
    model = export(draft.finish(Source("python", "nothing"))).model
    assert [node.op_type for node in model.graph.node] == ["Identity"]
