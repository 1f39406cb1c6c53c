"""Defect regression: one weight that is off by a rounding or two is found, placed and measured."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.verifier import Checks, Outcome, judge
from rnn_export.verifier.regression import regress
from rnn_export.verifier.walk import Shown, walk
from tests.unit.verifier.showing import altered, feeds, first_cell, network, observe

BATCH, TIME, FEATURES, UNITS = 8, 100, 32, 64


def world(seed: int, kind: str = "tanh"):  # type: ignore[no-untyped-def]
    net = network((UNITS,), features=FEATURES, kind=kind, seed=seed, emits=("sequence",))
    return net, feeds(net, batch=BATCH, time=TIME, seed=seed + 100)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["kernel", "recurrent_kernel", "bias"])
def test_one_weight_off_by_1e_7_is_found_placed_and_measured(name: str, seed: int) -> None:
    net, given = world(seed)
    values = getattr(first_cell(net), name).read().copy()
    rng = np.random.default_rng(seed)
    place = tuple(int(rng.integers(size)) for size in values.shape)
    before = float(values[place])
    values[place] += np.float32(1e-7)
    real = float(values[place]) - before
    verdict = judge(net, observe(altered(net, "rnn0", **{name: values}), given))
    assert verdict.outcome == Outcome.FAIL
    assert verdict.where is not None
    assert (verdict.where.layer, verdict.where.unit) == ("rnn0#0", place[-1])
    assert verdict.diagnosis is not None
    assert f"{name}[{', '.join(map(str, place))}] of rnn0#0" in verdict.diagnosis
    estimate = float(verdict.diagnosis.rsplit(" ", 1)[1])
    assert abs(estimate / real - 1) < 0.5


@pytest.mark.parametrize("kind", ["tanh", "relu", "linear", "sigmoid", "elu", "softsign", "gelu"])
def test_right_weights_never_stand_out(kind: str) -> None:
    for seed in range(3):
        net, given = world(seed, kind)
        given = {name: 0.3 * values for name, values in given.items()}
        seen = observe(net, given)
        assert seen.tapped is not None
        for tread in walk(net, given, Shown(seen.tapped, seen.cells)).treads:
            assert regress(tread.case, tread.steps, tread.local) is None


def test_states_that_hardly_change_are_no_evidence_against_a_weight() -> None:
    """A steady part of every sum is rounded the same way at every step: a direction, and no fault."""
    net, given = world(1)
    still = {"x": np.float32(0.5) + np.float32(1e-3) * given["x"]}
    verdict = judge(net, observe(net, still))
    assert verdict.outcome == Outcome.PASS, verdict.reason


def test_too_few_samples_say_nothing() -> None:
    net, _ = world(0)
    given = feeds(net, batch=2, time=5)
    seen = observe(net, given)
    assert seen.tapped is not None
    tread = walk(net, given, Shown(seen.tapped, seen.cells)).treads[0]
    assert regress(tread.case, tread.steps, tread.local) is None


def test_without_the_regression_such_a_weight_goes_unseen() -> None:
    net, given = world(0)
    values = first_cell(net).recurrent_kernel.read().copy()
    values[3, 5] += np.float32(1e-7)
    seen = observe(altered(net, "rnn0", recurrent_kernel=values), given)
    assert judge(net, seen, Checks(regression=False)).outcome == Outcome.PASS
