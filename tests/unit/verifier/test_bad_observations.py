"""Bad input gets a verdict, never a crash and never a pass; coarser arithmetic gets a verdict of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnn_export.verifier import CaseResult, Facts, Observation, Outcome, Report, Verdict, judge
from tests.unit.verifier.showing import altered, feeds, first_cell, network, observe

TINY = np.float32(2.0**-126)
"""The smallest normal number of float32: half of what is computed of it lies below."""


@pytest.mark.parametrize("taps", [True, False])
def test_denormals_may_be_flushed_and_nothing_more(taps: bool) -> None:
    net = altered(network((7,), kind="linear", emits=("sequence",)), "rnn0", bias=None)
    given = {"x": TINY * feeds(net)["x"]}
    seen = observe(net, given, taps=taps)
    assert 2.0**-126 < np.abs(seen.shipped["y0"]).max() < 2.0**-120
    assert judge(net, seen).outcome == Outcome.PASS
    flushed = {"y0": np.where(np.abs(seen.shipped["y0"]) < 2.0**-126, 0, seen.shipped["y0"])}
    assert (flushed["y0"] == 0).any()
    alone = Observation(given, {"y0": flushed["y0"].astype(np.float32)}, Facts("numpy"))
    assert judge(net, alone).outcome == Outcome.PASS
    # As large as a normal number can be small is something else.
    wrong = {"y0": seen.shipped["y0"] + np.float32(2.0**-110)}
    assert judge(net, Observation(given, wrong, Facts("numpy"))).outcome == Outcome.FAIL


@pytest.mark.parametrize("taps", [True, False])
@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf, np.float32(3e38)])
def test_a_strange_number_in_the_taps_or_the_output_is_never_a_pass(
    strange: float, taps: bool
) -> None:
    net = network((7, 4), emits=("sequence",))
    seen = observe(net, feeds(net), taps=taps)
    wrong = seen.shipped["y0"].copy()
    wrong[2, 5, 1] = strange
    changed = replace(seen, shipped={"y0": wrong}, tapped={"y0": wrong} if taps else None)
    assert judge(net, changed).outcome == Outcome.FAIL
    if taps:
        states = seen.cells[0].states.copy()
        states[3, 1, 2] = strange
        cells = (replace(seen.cells[0], states=states), seen.cells[1])
        assert judge(net, replace(seen, cells=cells)).outcome == Outcome.FAIL


def test_infinities_that_belong_there_pass_and_elsewhere_do_not() -> None:
    net = network((7,), kind="exponential", emits=("sequence",))
    given = {"x": 40 * feeds(net)["x"]}
    seen = observe(net, given, taps=False)
    assert np.isinf(seen.shipped["y0"]).any()
    assert judge(net, seen).outcome != Outcome.FAIL
    wrong = np.where(np.isinf(seen.shipped["y0"]), np.float32(1e30), seen.shipped["y0"])
    assert judge(net, replace(seen, shipped={"y0": wrong})).outcome == Outcome.FAIL


@pytest.mark.parametrize("sizes", [{"batch": 0}, {"time": 0}])
@pytest.mark.parametrize("taps", [True, False])
def test_an_empty_input_is_no_pass_with_taps_either(sizes: dict[str, int], taps: bool) -> None:
    net = network((7,), emits=("sequence",))
    given = feeds(net, **sizes)
    shape = (*given["x"].shape[:2], 7)
    shown = {"y0": np.zeros(shape, np.float32)}
    seen = Observation(given, shown, Facts("numpy"), shown if taps else None)
    assert judge(net, seen).outcome == Outcome.UNVERIFIABLE


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_coarser_arithmetic_is_a_verdict_of_its_own_and_states_its_bits(precision: str) -> None:
    from rnn_export.network.dtypes import numpy_dtype

    kind = numpy_dtype(precision)
    net = network((32,), features=16, emits=("sequence",), seed=2)
    given = feeds(net, batch=4, time=40)
    cell = first_cell(net)
    assert cell.bias is not None

    def cut(values: np.ndarray) -> np.ndarray:
        return values.astype(kind).astype(np.float32)

    w, r, b = (cut(item.read()) for item in (cell.kernel, cell.recurrent_kernel, cell.bias))
    h, states = np.zeros((4, 32), np.float32), []
    for step in range(40):
        h = cut(np.tanh(cut(cut(given["x"][:, step]) @ w + cut(h) @ r + b)))
        states.append(h)
    shown = {"y0": np.stack(states, axis=1)}
    verdict = judge(net, Observation(given, shown, Facts("coarse", precision=precision)))
    assert verdict.outcome == Outcome.PRECISION_DOWNGRADED
    assert precision in verdict.reason
    bits = verdict.effective_bits
    assert bits is not None
    assert (
        {"float16": 9, "bfloat16": 6}[precision] < bits < {"float16": 15, "bfloat16": 12}[precision]
    )
    # The exit code is 1, unless so many bits are permitted.
    case = CaseResult("rnn", "coarse", verdict)
    assert Report("x", (case,)).exit_code == 1
    assert Report("x", (replace(case, permitted=True),)).exit_code == 0


def test_a_fault_in_coarse_arithmetic_is_a_fault() -> None:
    net = network((32,), features=16, emits=("sequence",), seed=2)
    given = feeds(net, batch=4, time=40)
    values = first_cell(net).recurrent_kernel.read().T.copy()
    seen = observe(altered(net, "rnn0", recurrent_kernel=values), given, taps=False)
    rounded = {"y0": seen.shipped["y0"].astype(np.float16).astype(np.float32)}
    verdict = judge(net, Observation(given, rounded, Facts("coarse", precision="float16")))
    assert verdict.outcome == Outcome.FAIL


def test_only_agreement_is_a_pass() -> None:
    for outcome in Outcome:
        report = Report("x", (CaseResult("rnn", "numpy", Verdict(outcome)),))
        passes = outcome in (Outcome.PASS, Outcome.KNOWN_DIFFERENCE)
        assert (report.exit_code == 0) == passes
