"""What is expected of an output: the float64 reference, and a bound that float32 keeps and a fault does not."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.builders.reference import run
from rnn_export.network import ArrayWeight
from rnn_export.verifier import Outcome, judge
from rnn_export.verifier.prediction import expect
from tests.bounds import U32, U64
from tests.unit.verifier.showing import BATCH, TIME, altered, feeds, first_cell, network, observe


@pytest.mark.parametrize("masked", [True, False])
def test_the_value_is_the_float64_reference_and_float32_stays_within_the_bound(
    masked: bool,
) -> None:
    net = network((7, 4), masked=masked, emits=("sequence", "state"), seed=3)
    given = feeds(net)
    expected = expect(net, given)
    exact, coarse = run(net, given, np.float64), run(net, given, np.float32)
    assert list(expected) == ["y0", "y1"]
    for name, item in expected.items():
        # Both are float64, summed in their own order: the bound is linear in the unit roundoff.
        assert (np.abs(item.value - exact[name]) <= 2 * item.bound * U64 / U32).all()
        assert item.bound.shape == item.value.shape
        assert (np.abs(coarse[name] - item.value) <= item.bound).all()
        assert (coarse[name] != item.value).any()


def test_a_transposed_kernel_leaves_the_bound_as_it_leaves_the_judges() -> None:
    net = network((7, 4), emits=("sequence",), seed=3)
    given = feeds(net)
    kernel = first_cell(net, "rnn1").recurrent_kernel.read()
    wrong = altered(net, "rnn1", recurrent_kernel=ArrayWeight(np.ascontiguousarray(kernel.T)))
    shown = run(wrong, given, np.float32)["y0"]
    item = expect(net, given)["y0"]
    assert (np.abs(shown - item.value) > item.bound).any()
    assert judge(net, observe(wrong, given, taps=False)).outcome == Outcome.FAIL


def test_nothing_is_expected_beyond_the_horizon() -> None:
    units = 40
    net = network((units,), emits=("sequence",), seed=3)
    rng = np.random.default_rng(3)
    chaotic = (2 / np.sqrt(units) * rng.standard_normal((units, units))).astype(np.float32)
    wild = altered(net, "rnn0", recurrent_kernel=ArrayWeight(chaotic))
    item = expect(wild, {"x": 0.01 * feeds(net, time=400)["x"]})["y0"]
    assert item.value.shape == (BATCH, 400, units)
    assert item.steps is not None
    assert TIME < item.steps < 400
    assert np.isinf(item.bound[:, -1]).all()
    assert np.isfinite(item.bound[:, : item.steps]).all()
