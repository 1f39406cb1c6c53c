"""The oracle's audit: it agrees with itself and with mpmath where it may be trusted, and says from where it may not."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from rnn_export.builders.reference import run
from rnn_export.network import ArrayWeight
from rnn_export.verifier.audit import audit, other_order
from rnn_export.verifier.bounds.precision import UNITS
from tests.unit.verifier.showing import altered, feeds, first_cell, network

U64 = UNITS["float64"]
FUNCTIONS: dict[str, Any] = {
    "tanh": mpmath.tanh,
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "relu": lambda z: z if z > 0 else mpmath.mpf(0),
    "softsign": lambda z: z / (1 + abs(z)),
}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_the_reference_agrees_with_mpmath_on_a_few_steps(kind: str) -> None:
    net = network((4,), kind=kind, seed=2, emits=("sequence",))
    given = feeds(net, batch=2, time=3)
    cell = first_cell(net)
    kernel, recurrent = cell.kernel.read(), cell.recurrent_kernel.read()
    assert cell.bias is not None
    bias = cell.bias.read()
    shown = run(net, given, np.float64)["y0"]
    with mpmath.workdps(50):
        for row in range(2):
            state = [mpmath.mpf(0)] * 4
            # What rounding makes of a step, and what the steps before it made: slopes are at most 1.
            allowed = 0.0
            for step in range(3):
                x = [mpmath.mpf(float(value)) for value in given["x"][row, step]]
                terms = [
                    [x[i] * float(kernel[i, j]) for i in range(len(x))]
                    + [state[i] * float(recurrent[i, j]) for i in range(4)]
                    + [mpmath.mpf(float(bias[j]))]
                    for j in range(4)
                ]
                size = max(float(sum(abs(term) for term in line)) for line in terms)
                carried = float(np.abs(recurrent).sum(axis=0).max())
                allowed = carried * allowed + U64 * (len(terms[0]) + 1) * size + 4 * U64
                state = [FUNCTIONS[kind](sum(line)) for line in terms]
                for unit in range(4):
                    assert abs(state[unit] - float(shown[row, step, unit])) <= allowed
            assert 0 < allowed < 1e-13


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("back", [True, False])
def test_another_order_of_summation_gives_other_bits_and_the_same_numbers(
    masked: bool, back: bool
) -> None:
    net = network(
        (7, 4), masked=masked, go_backwards=back, seed=2, emits=("sequence", "output", "state")
    )
    given = feeds(net)
    one, other = run(net, given, np.float64), other_order(net, given)
    assert one.keys() == other.keys()
    assert any((one[name] != other[name]).any() for name in one)
    found = audit(net, given)
    assert 0 < found.disagreement < 2.0**-44
    assert found.steps is None


def test_a_reference_that_is_wrong_does_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network((7,), seed=2, emits=("sequence",))
    wrong = altered(net, "rnn0", recurrent_kernel=first_cell(net).recurrent_kernel.read().T.copy())
    monkeypatch.setattr(
        "rnn_export.verifier.audit.run", lambda network, given, dtype: run(wrong, given, dtype)
    )
    found = audit(net, feeds(net))
    assert found.steps is not None
    assert found.steps < 9


def test_a_chaotic_network_has_a_horizon_of_its_own() -> None:
    """At a spectral radius of 2 two orders of summation in float64 part company after some hundred steps."""
    units = 40
    net = network((units,), emits=("sequence",), seed=3)
    rng = np.random.default_rng(3)
    chaotic = (2.5 / np.sqrt(units) * rng.standard_normal((units, units))).astype(np.float32)
    wild = altered(net, "rnn0", recurrent_kernel=ArrayWeight(chaotic))
    found = audit(wild, {"x": 0.01 * feeds(net, time=500)["x"]})
    assert found.steps is not None
    assert 20 < found.steps < 500
    assert found.disagreement <= 1e-3
