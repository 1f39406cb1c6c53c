"""The profile draws what the judge decided: the same numbers, at the same steps, nothing beyond a bound unseen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnn_export.verifier import judge
from rnn_export.verifier.profile import BINS, POINTS, profile
from tests.unit.verifier.showing import BATCH, TIME, UNITS, feeds, network, observe


@pytest.mark.parametrize("taps", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_the_worst_point_of_all_curves_is_the_verdicts_ratio(taps: bool, masked: bool) -> None:
    net = network((7, 4), masked=masked, emits=("sequence",), seed=3)
    seen = observe(net, feeds(net), taps=taps)
    drawn = profile(net, seen)
    ratios = [
        error / bound
        for curve in drawn.curves
        for error, bound in zip(curve.error, curve.bound, strict=True)
        if error
    ]
    assert max(ratios) == judge(net, seen).max_ratio
    assert 0 < max(ratios) <= 1
    assert drawn.outside == 0


def test_every_cell_with_taps_has_a_curve_with_a_point_for_each_step() -> None:
    net = network((7, 4), seed=3)
    drawn = profile(net, observe(net, feeds(net)))
    assert [curve.subject for curve in drawn.curves] == ["states of rnn0#0", "states of rnn1#0"]
    assert [len(curve.error) for curve in drawn.curves] == [TIME, TIME]
    assert {curve.model for curve in drawn.curves} == {"probabilistic"}
    assert sum(drawn.counts) == BATCH * TIME * (7 + 4)


def test_without_taps_the_output_is_drawn_against_its_global_bound() -> None:
    net = network((7, 4), emits=("sequence",), seed=3)
    (curve,) = profile(net, observe(net, feeds(net), taps=False)).curves
    assert (curve.subject, curve.model, curve.steps) == ("output 'y0'", "global", TIME)


def test_an_output_without_time_is_one_step() -> None:
    net = network((7, 4), seed=3)
    drawn = profile(net, observe(net, feeds(net), taps=False))
    (curve,) = drawn.curves
    assert (len(curve.error), curve.steps, sum(drawn.counts)) == (1, 1, BATCH * 4)


def test_an_element_beyond_its_bound_stands_out_at_its_step_and_in_the_histogram() -> None:
    net = network((UNITS,), emits=("sequence",))
    seen = observe(net, feeds(net), taps=False)
    wrong = seen.shipped["y0"].copy()
    wrong[1, 4, 2] += 0.25
    drawn = profile(net, replace(seen, shipped={"y0": wrong}))
    (curve,) = drawn.curves
    beyond = [
        step
        for step, (error, bound) in enumerate(zip(curve.error, curve.bound, strict=True))
        if error > bound
    ]
    # The step itself, and the next one: it started from a state that the runtime never had.
    assert beyond == [4, 5]
    assert drawn.outside >= 2


def test_nan_is_an_infinite_error_and_outside_the_histogram() -> None:
    net = network((UNITS,), emits=("sequence",))
    seen = observe(net, feeds(net), taps=False)
    wrong = seen.shipped["y0"].copy()
    wrong[0, TIME - 1, 0] = np.nan
    drawn = profile(net, replace(seen, shipped={"y0": wrong}))
    assert drawn.curves[0].error[-1] == np.inf
    assert drawn.outside == 1
    assert sum(drawn.counts) == BATCH * TIME * UNITS - 1


def test_a_long_run_keeps_the_worst_of_the_steps_that_share_a_point() -> None:
    net = network((UNITS,), emits=("sequence",))
    time = 2 * POINTS + 1
    seen = observe(net, feeds(net, time=time))
    (curve,) = profile(net, seen).curves
    assert (curve.stride, len(curve.error), curve.steps) == (3, 161, time)
    ratios = [error / bound for error, bound in zip(curve.error, curve.bound, strict=True)]
    assert max(ratios) == judge(net, seen).max_ratio


def test_what_cannot_be_compared_has_an_empty_profile() -> None:
    net = network((UNITS,), emits=("sequence",))
    seen = observe(net, feeds(net), taps=False)
    drawn = profile(net, replace(seen, shipped={"other": seen.shipped["y0"]}))
    assert (drawn.curves, drawn.counts, drawn.outside) == ((), (0,) * BINS, 0)


def test_steps_beyond_the_horizon_have_no_points() -> None:
    net = network((UNITS,), kind="linear", emits=("sequence",), seed=2)
    grown = {"x": (feeds(net, time=40)["x"] * 1e3).astype(np.float32)}
    seen = observe(net, grown, taps=False)
    for curve in profile(net, seen).curves:
        assert len(curve.error) <= curve.steps == 40
        assert all(np.isfinite(curve.bound))
