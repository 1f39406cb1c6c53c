"""Every activation as ONNX operators, in every dtype, against Keras' formula in float64."""

from __future__ import annotations

from itertools import product

import ml_dtypes
import numpy as np
import pytest

from rnn_export.builders import reference
from rnn_export.exporters import export
from rnn_export.exporters.recurrent.activations import native
from rnn_export.network import (
    FUNCTIONS,
    Activation,
    ArrayWeight,
    Draft,
    Network,
    Source,
    activation,
)
from rnn_export.network.ops import Activate, Cell, Recurrent
from tests.unit.exporters.running import UNITS, ran

KINDS = [activation(name) for name in FUNCTIONS] + [
    activation("relu", max_value=2.0),
    activation("relu", negative_slope=0.1),
    activation("relu", threshold=0.5),
    activation("relu", negative_slope=0.1, threshold=0.5, max_value=3.0),
    activation("gelu", approximate=1.0),
    activation("elu", alpha=0.3),
    activation("celu", alpha=0.3),
    activation("squareplus", b=0.0),
    activation("hard_sigmoid", slope=0.2),
    activation("threshold", threshold=0.5, default_value=-1.0),
]
ARGUMENTS = np.concatenate(
    [
        np.linspace(-9, 9, 401),
        np.random.default_rng(0).standard_normal(100) * 1e-4,
        [0, 30, -30, 150, -150, 0.5, -0.5, 1, -1, 3, -3, -1.5],
        [6, -6],
    ]
).reshape(-1, 5)


def layer(kind: Activation, dtype: str) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", ARGUMENTS.shape[1]), dtype)
    (y,) = draft.call("layer", Activate(kind), [x], dtype=dtype)
    draft.output("layer", y)
    return draft.finish(Source("python", "activation"))


@pytest.mark.parametrize(("kind", "dtype"), list(product(KINDS, UNITS)), ids=str)
def test_an_activation_is_its_formula_up_to_rounding(kind: Activation, dtype: str) -> None:
    network = layer(kind, dtype)
    model = export(network).model
    x = ARGUMENTS.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    wide = x.astype(np.float64)
    got = ran(model, x).astype(np.float64)
    want = reference.run(network, {"x": wide}, np.float64)["layer"]
    # Each node rounds what is at most 1 + |z| + |y|, an elementary function by up to 6u (tests/bounds.py);
    # narrow dtypes compute in float32 and round once, at the end.
    count = len(model.graph.node)
    inner = min(UNITS[dtype], UNITS["float32"])
    bound = 6 * count * inner * (1 + np.abs(wide) + np.abs(want)) + UNITS[dtype] * np.abs(want)
    with np.errstate(invalid="ignore", over="ignore"):
        holds = np.isfinite(want) & (np.abs(want) < np.finfo("float16").max)
        assert np.all(np.abs(got - want)[holds] <= bound[holds])


def test_gelu_in_float64_is_right_in_its_tail_too() -> None:
    """Where 1 + erf(z) would have lost every digit: relative to the value, by what z * z and its sum round."""
    z = np.linspace(-8, 0, 500).reshape(-1, 5)
    network = layer(activation("gelu"), "float64")
    got = ran(export(network).model, z)
    want = reference.run(network, {"x": z}, np.float64)["layer"]
    assert np.all(np.abs(got - want) <= UNITS["float64"] * (8 + 3 * z * z) * np.abs(want))


@pytest.mark.parametrize("form", ["rnn", "scan", "unrolled"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if native(kind) is not None], ids=str)
def test_the_operator_and_the_formula_agree_on_one_step(kind: Activation, form: str) -> None:
    """T = 1 with kernel 1: each form's own way to the activation, on the same arguments."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", 1), "float32")
    one = ArrayWeight(np.ones((1, 1), np.float32))
    (y,) = draft.call("rnn", Recurrent((Cell("", one, one, None, kind),)), [x])
    draft.output("rnn", y)
    network = draft.finish(Source("python", "step"))
    given = ARGUMENTS.astype(np.float32).reshape(-1, 1, 1)
    got = ran(export(network, form=form, time=1 if form == "unrolled" else None).model, given)
    want = reference.run(network, {"x": given}, np.float64)["rnn"]
    z = given.reshape(-1, 1).astype(np.float64)
    assert np.all(np.abs(got - want) <= 12 * UNITS["float32"] * (1 + np.abs(z) + np.abs(want)))


@pytest.mark.parametrize("name", ["softplus", "log_sigmoid"])
def test_softplus_is_finite_beyond_100(name: str) -> None:
    """The RNN operator's own Softplus is infinite there, in onnxruntime."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", 1), "float32")
    one = ArrayWeight(np.ones((1, 1), np.float32))
    (y,) = draft.call("rnn", Recurrent((Cell("", one, one, None, activation(name)),)), [x])
    draft.output("rnn", y)
    model = export(draft.finish(Source("python", "far"))).model
    far = np.array([[[120.0]], [[-120.0]]], np.float32)
    sign = 1 if name == "softplus" else -1
    np.testing.assert_array_equal(
        ran(model, far)[:, 0], [max(0, 120.0), 0.0] if sign == 1 else [0.0, -120.0]
    )
