"""Known differences are what they are called, on the backends that have them, and excuse nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.formulas import gelu
from rnn_export.network.ops import Cell, Recurrent
from rnn_export.verifier import Facts, Observation, Outcome, judge

BATCH, TIME, FEATURES, UNITS = 3, 9, 5, 7


def wide(kind: str) -> Network:
    """Return a float64 layer that shows its sequence."""
    rng = np.random.default_rng(0)
    parts = (
        rng.standard_normal((FEATURES, UNITS)) / 2,
        rng.standard_normal((UNITS, UNITS)) / 4,
        rng.standard_normal(UNITS) / 10,
    )
    kernel, recurrent, bias = (ArrayWeight(part) for part in parts)
    draft = Draft()
    x = draft.input("x", ("batch", "time", FEATURES), "float64")
    op = Recurrent((Cell("", kernel, recurrent, bias, activation(kind)),), ("sequence",))
    (y,) = draft.call("rnn", op, [x], dtype="float64")
    draft.output("rnn", y)
    return draft.finish(Source("python", "test"))


def rounded_gelu(z: np.ndarray) -> np.ndarray:
    """Return gelu as TensorFlow has it: the root of 2 is a float32 number."""
    from math import erf

    root = float(np.float32(np.sqrt(2)))
    return np.asarray(0.5 * z * (1 + np.vectorize(erf)(z / root)))


def observed(net: Network, runtime: str, factor: float = 1.0) -> Observation:
    """Return a float64 loop's outputs, gelu as on TensorFlow, one weight of it off by ``factor``."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((BATCH, TIME, FEATURES))
    op = net.calls[0].op
    assert isinstance(op, Recurrent)
    (cell,) = op.cells
    kernel, recurrent = cell.kernel.read(), cell.recurrent_kernel.read().copy()
    recurrent[1, 2] *= factor
    assert cell.bias is not None
    apply = rounded_gelu if cell.activation.name == "gelu" else cell.activation
    h, states = np.zeros((BATCH, UNITS)), []
    for step in range(TIME):
        h = apply(x[:, step] @ kernel + h @ recurrent + cell.bias.read())
        states.append(h)
    return Observation({"x": x}, {"rnn": np.stack(states, axis=1)}, Facts(runtime))


def test_the_test_has_tensorflows_gelu() -> None:
    z = np.linspace(-4, 4, 999)
    away = np.abs(rounded_gelu(z) - gelu(z, 0.0)).max()
    assert 2.0**-30 < away < 2.0**-26


def test_float64_gelu_is_a_known_difference_on_tensorflow_alone() -> None:
    net = wide("gelu")
    verdict = judge(net, observed(net, "keras:tensorflow"))
    assert verdict.outcome == Outcome.KNOWN_DIFFERENCE
    assert "gelu" in verdict.reason
    assert verdict.effective_bits is None
    for runtime in ("keras:torch", "onnxruntime:cpu"):
        assert judge(net, observed(net, runtime)).outcome in (
            Outcome.FAIL,
            Outcome.PRECISION_DOWNGRADED,
        )


def test_a_known_difference_that_tells_nothing_of_the_recurrent_kernel_is_no_agreement() -> None:
    net = wide("gelu")
    seen = observed(net, "keras:tensorflow")
    first = replace(
        seen, feeds={"x": seen.feeds["x"][:, :1]}, shipped={"rnn": seen.shipped["rnn"][:, :1]}
    )
    verdict = judge(net, first)
    assert verdict.outcome == Outcome.UNVERIFIABLE
    assert "do not exercise the recurrent kernel" in verdict.reason


def test_a_fault_is_not_excused_by_a_habit() -> None:
    net = wide("gelu")
    verdict = judge(net, observed(net, "keras:tensorflow", factor=1 + 1e-3))
    assert verdict.outcome == Outcome.FAIL


@pytest.mark.parametrize("kind", ["tanh", "sigmoid"])
def test_other_activations_have_no_such_excuse(kind: str) -> None:
    net = wide(kind)
    right = observed(net, "keras:tensorflow")
    assert judge(net, right).outcome == Outcome.PASS
    off = {"rnn": right.shipped["rnn"] * (1 + 2.0**-28)}
    assert judge(net, replace(right, shipped=off)).outcome != Outcome.PASS
