"""The judge: right runtimes pass, wrong ones fail at the right place, and nothing unexpected gets through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnn_export.network import activation
from rnn_export.verifier import Facts, Observation, Outcome, judge
from tests.unit.verifier.showing import (
    UNITS,
    altered,
    feeds,
    first_cell,
    network,
    observe,
    turned,
)

KINDS = [
    "tanh", "relu", "sigmoid", "linear", "softsign", "softplus", "elu", "selu", "gelu", "silu", "mish",
    "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "relu6", "log_sigmoid", "softmax", "log_softmax",
    "celu", "tanh_shrink", "soft_shrink", "hard_shrink", "sparse_plus", "squareplus", "threshold", "sparsemax",
]  # fmt: skip


@pytest.mark.parametrize("taps", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_right_run_passes_for_every_activation(kind: str, taps: bool) -> None:
    net = network((UNITS,), kind=kind, seed=4)
    given = {name: 0.3 * values for name, values in feeds(net).items()}
    verdict = judge(net, observe(net, given, taps=taps))
    assert verdict.outcome == Outcome.PASS, verdict
    assert verdict.max_ratio is not None
    assert verdict.max_ratio <= 1
    assert verdict.model == ("probabilistic" if taps else "global")


@pytest.mark.parametrize("taps", [True, False])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("state", [True, False])
@pytest.mark.parametrize(
    "back", [{}, {"go_backwards": True}, {"go_backwards": True, "time_order": True}]
)
def test_a_right_run_passes_in_every_wiring(
    taps: bool, masked: bool, state: bool, back: dict[str, Any]
) -> None:
    net = network((7, 4), masked=masked, state=state, emits=("sequence", "output", "state"), **back)
    verdict = judge(net, observe(net, feeds(net), taps=taps))
    assert verdict.outcome == Outcome.PASS, verdict


@pytest.mark.parametrize("masked", [True, False])
def test_zero_output_for_mask_is_judged_by_its_own_rule(masked: bool) -> None:
    net = network((7,), masked=True, emits=("sequence",), zero_output_for_mask=masked)
    given = feeds(net)
    assert judge(net, observe(net, given)).outcome == Outcome.PASS
    other = turned(net, "rnn0", zero_output_for_mask=not masked)
    assert judge(net, observe(other, given)).outcome == Outcome.FAIL


@pytest.mark.parametrize("taps", [True, False])
def test_faults_of_a_layer_fail_and_are_found_there(taps: bool) -> None:
    net = network((7, 4, 6), seed=2)
    cell = first_cell(net, "rnn1")
    given = feeds(net)
    faults = {
        "recurrent_kernel": cell.recurrent_kernel.read().T.copy(),
        "kernel": cell.kernel.read()[::-1].copy(),
        "bias": None,
        "activation": activation("relu"),
    }
    for name, value in faults.items():
        verdict = judge(net, observe(altered(net, "rnn1", **{name: value}), given, taps=taps))
        assert verdict.outcome == Outcome.FAIL, name
        assert verdict.where is not None
        if taps:
            assert verdict.where.layer == "rnn1#0", name
            assert verdict.model == "rigorous", name


def test_one_weight_off_by_a_ten_thousandth_fails() -> None:
    net = network((7, 4), seed=3)
    given = feeds(net)
    rng = np.random.default_rng(0)
    for layer in ("rnn0", "rnn1"):
        for name in ("kernel", "recurrent_kernel", "bias"):
            values = getattr(first_cell(net, layer), name).read().copy()
            place = tuple(rng.integers(size) for size in values.shape)
            values[place] += np.float32(1e-4)
            verdict = judge(net, observe(altered(net, layer, **{name: values}), given))
            assert verdict.outcome == Outcome.FAIL, (layer, name)
            assert verdict.where is not None
            assert verdict.where.layer == f"{layer}#0"


@pytest.mark.parametrize("kind", ["relu", "leaky_relu", "hard_tanh", "linear", "tanh"])
def test_one_weight_off_is_named_whatever_the_activation(kind: str) -> None:
    net = network((7,), kind=kind, seed=4, emits=("sequence",))
    given = {name: 0.3 * values for name, values in feeds(net).items()}
    for name in ("kernel", "recurrent_kernel"):
        values = getattr(first_cell(net), name).read().copy()
        values[3, 2] += np.float32(1e-4)
        verdict = judge(net, observe(altered(net, "rnn0", **{name: values}), given))
        assert verdict.diagnosis is not None
        assert verdict.diagnosis.startswith(f"{name}[3, 2] of rnn0"), verdict.diagnosis


@pytest.mark.parametrize("taps", [True, False])
def test_a_lost_direction_fails(taps: bool) -> None:
    net = network((7,), emits=("sequence",), go_backwards=True)
    lost = turned(net, "rnn0", go_backwards=False)
    assert judge(net, observe(lost, feeds(net), taps=taps)).outcome == Outcome.FAIL
    unflipped = turned(net, "rnn0", time_order=True)
    assert judge(net, observe(unflipped, feeds(net), taps=taps)).outcome == Outcome.FAIL


def test_where_names_the_step_the_unit_and_the_row_that_were_changed() -> None:
    net = network((7,), emits=("sequence",))
    seen = observe(net, feeds(net))
    states = seen.cells[0].states.copy()
    states[5, 1, 2] += np.float32(1e-3)
    shown = {"y0": states.swapaxes(0, 1)}
    changed = replace(
        seen, shipped=shown, tapped=shown, cells=(replace(seen.cells[0], states=states),)
    )
    where = judge(net, changed).where
    assert where is not None
    assert (where.layer, where.step, where.unit, where.row) == ("rnn0#0", 5, 2, 1)


def test_in_a_backward_layer_the_step_is_the_networks_time_index() -> None:
    net = network((7,), emits=("sequence",), go_backwards=True)
    seen = observe(net, feeds(net))
    states = seen.cells[0].states.copy()
    states[2, 1, 2] += np.float32(1e-3)
    changed = replace(seen, cells=(replace(seen.cells[0], states=states),))
    where = judge(net, changed).where
    assert where is not None
    assert where.step == 2


def outputs(seen: Observation, **changes: np.ndarray) -> Observation:
    shown = {**seen.shipped, **changes}
    return replace(seen, shipped=shown, tapped=shown)


def test_outputs_that_are_missing_extra_or_misshapen_fail() -> None:
    net = network((7,), emits=("sequence", "state"))
    seen = observe(net, feeds(net))
    y = seen.shipped["y0"]
    assert judge(net, seen).outcome == Outcome.PASS
    for changed in (
        replace(seen, shipped={"y0": y}),
        replace(seen, tapped={"y0": y}),
        outputs(seen, extra=y),
        outputs(seen, y0=y.astype(np.float64)),
        outputs(seen, y0=y[:, :1]),
        outputs(seen, y0=y[:1]),
        outputs(seen, y0=y[..., None]),
        outputs(seen, y0=y.swapaxes(0, 1)),
    ):
        verdict = judge(net, changed)
        assert verdict.outcome == Outcome.FAIL
        assert "expected" in verdict.reason


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("taps", [True, False])
def test_a_number_that_is_not_finite_fails(strange: float, taps: bool) -> None:
    net = network((7,), emits=("sequence",))
    seen = observe(net, feeds(net), taps=taps)
    y = seen.shipped["y0"].copy()
    y[1, 4, 2] = strange
    shown = {"y0": y}
    changed = replace(seen, shipped=shown, tapped=shown if taps else None)
    assert judge(net, changed).outcome == Outcome.FAIL


@pytest.mark.parametrize("taps", [True, False])
def test_nan_in_the_input_is_expected_where_it_spreads_and_nowhere_else(taps: bool) -> None:
    net = network((7,), emits=("sequence",))
    given = feeds(net)
    given["x"][1, 3, 0] = np.nan
    seen = observe(net, given, taps=taps)
    assert np.isnan(seen.shipped["y0"][1, 3:]).all()
    assert judge(net, seen).outcome == Outcome.PASS
    hidden = np.nan_to_num(seen.shipped["y0"])
    changed = replace(seen, shipped={"y0": hidden}, tapped={"y0": hidden} if taps else None)
    assert judge(net, changed).outcome == Outcome.FAIL


def test_nothing_compared_is_never_a_pass() -> None:
    net = network((7,))
    for sizes in ({"batch": 0}, {"time": 0}):
        given = feeds(net, **sizes)
        shown = {"y0": np.zeros((sizes.get("batch", 3), 7), np.float32)}
        verdict = judge(net, Observation(given, shown, Facts("numpy")))
        assert verdict.outcome == Outcome.UNVERIFIABLE


@pytest.mark.parametrize("taps", [True, False])
def test_one_step_from_a_zero_state_is_not_a_pass(taps: bool) -> None:
    net = network((7,))
    verdict = judge(net, observe(net, feeds(net, time=1), taps=taps))
    assert verdict.outcome == Outcome.UNVERIFIABLE
    assert "recurrent kernel" in verdict.reason
    held = network((7,), state=True)
    assert judge(held, observe(held, feeds(held, time=1), taps=taps)).outcome == Outcome.PASS


def test_feeds_that_do_not_fit_are_no_crash() -> None:
    net = network((7,))
    seen = observe(net, feeds(net))
    verdict = judge(net, replace(seen, feeds={"z": seen.feeds["x"]}))
    assert verdict.outcome in (Outcome.UNVERIFIABLE, Outcome.FAIL)


def test_an_observation_of_another_network_fails() -> None:
    net = network((7,))
    seen = observe(net, feeds(net))
    other = replace(seen, facts=replace(seen.facts, network_digest="0" * 64))
    assert judge(net, other).outcome == Outcome.FAIL


def test_a_shipped_file_that_differs_from_its_tapped_copy_is_judged_by_itself() -> None:
    net = network((7, 4), emits=("sequence",))
    seen = observe(net, feeds(net))
    nudged = {"y0": np.nextafter(seen.shipped["y0"], np.float32(2))}
    assert judge(net, replace(seen, shipped=nudged)).outcome == Outcome.PASS
    wrong = {"y0": seen.shipped["y0"] + np.float32(1e-3)}
    verdict = judge(net, replace(seen, shipped=wrong))
    assert verdict.outcome == Outcome.FAIL


def test_a_wrong_hint_does_not_fail_a_right_file() -> None:
    net = network((5, 5), features=5)
    seen = observe(net, feeds(net))
    first, second = seen.cells
    crossed = (replace(first, cell=second.cell), replace(second, cell=first.cell))
    assert judge(net, replace(seen, cells=crossed)).outcome == Outcome.PASS
    unnamed = tuple(replace(item, cell=None) for item in seen.cells)
    assert judge(net, replace(seen, cells=unnamed)).outcome == Outcome.PASS


def test_a_missing_tap_leaves_the_global_bound() -> None:
    net = network((7, 4))
    seen = observe(net, feeds(net))
    verdict = judge(net, replace(seen, cells=seen.cells[:1]))
    assert verdict.outcome == Outcome.PASS
    assert verdict.model == "global"


def test_a_chaotic_network_is_verified_up_to_its_horizon_and_no_further() -> None:
    net = network((24,))
    wild = altered(net, "rnn0", recurrent_kernel=4 * first_cell(net).recurrent_kernel.read())
    given = feeds(wild, time=400)
    tapped = judge(wild, observe(wild, given))
    assert tapped.outcome == Outcome.PASS
    assert tapped.verified_steps == 400
    # Without states in sight there is only the global bound.
    alone = judge(wild, observe(wild, given, taps=False))
    assert alone.outcome == Outcome.UNVERIFIABLE
    assert alone.verified_steps == 0
    early = feeds(wild, time=5)
    assert judge(wild, observe(wild, early, taps=False)).outcome == Outcome.PASS
