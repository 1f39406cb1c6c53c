"""Keras' squareplus adds z to a root as large as z: below 0 it is off by a rounding of z; files are not."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import keras
import numpy as np
import pytest

from rnn_export.builders import keras_model
from rnn_export.exporters.formulas import FORMULAS
from rnn_export.exporters.terms import Terms
from rnn_export.network import Network
from rnn_export.runtimes import OnnxFile, connect
from rnn_export.runtimes.keras import KerasSession
from rnn_export.verifier import Facts, InputSet, Observation, Outcome, judge
from rnn_export.workflows import observing, subjects
from tests.unit.verifier.showing import feeds, first_cell, network, observe

KERAS = ("keras:tensorflow", "keras:numpy", "keras:jax", "keras:torch")
TIME = 2


def large(net: Network, time: int = TIME) -> InputSet:
    """Return inputs that drive the argument far below 0."""
    given = {name: 1e4 * values for name, values in feeds(net, time=time).items()}
    return InputSet("large", given, len(given["x"]), time, 1, 1.0)


def layer() -> Network:
    return network(kind="squareplus", emits=("sequence",))


def naive(z: np.ndarray) -> np.ndarray:
    """Return squareplus in float32 as Keras has it."""
    narrow = z.astype(np.float32)
    return np.asarray(np.float32(0.5) * (narrow + np.sqrt(narrow * narrow + np.float32(4))))


def cancelling(factor: float, runtime: str) -> tuple[Network, Observation]:
    """Return what a runtime shows that cancels as Keras does, its errors grown by a factor."""
    net = network(kind="squareplus", emits=("sequence",), state=True)
    given = large(net, time=1).feeds
    seen = observe(net, dict(given))
    cell = first_cell(net)
    assert cell.bias is not None
    z = given["x"][:, 0].astype(np.float64) @ cell.kernel.read() + cell.bias.read()
    z += given["h0"].astype(np.float64) @ cell.recurrent_kernel.read()
    (name,) = seen.shipped
    exact = seen.shipped[name][:, 0]
    error = naive(z) - exact
    assert (np.abs(error) > 1e3 * np.spacing(np.abs(exact))).any()
    shown = (exact + factor * error)[:, None]
    return net, replace(seen, shipped={name: shown}, tapped=None, cells=(), facts=Facts(runtime))


@pytest.mark.parametrize("runtime", KERAS)
def test_a_rounding_of_the_argument_is_a_known_difference_of_keras_and_more_is_none(
    runtime: str,
) -> None:
    verdict = judge(*cancelling(1, runtime))
    assert verdict.outcome == Outcome.KNOWN_DIFFERENCE
    assert "squareplus" in verdict.reason
    assert verdict.effective_bits is None
    assert judge(*cancelling(20, runtime)).outcome == Outcome.FAIL


@pytest.mark.parametrize("runtime", ["numpy", "onnxruntime:cpu", "tract"])
def test_of_any_other_runtime_it_is_a_fault(runtime: str) -> None:
    assert judge(*cancelling(0, runtime)).outcome == Outcome.PASS
    assert judge(*cancelling(1, runtime)).outcome == Outcome.FAIL


def test_keras_itself_cancels() -> None:
    net = layer()
    session = KerasSession("keras:tensorflow", keras.__version__, keras_model(net))
    seen = observing.observe(net, session, None, None, large(net))  # type: ignore[arg-type]
    verdict = judge(net, seen)
    assert verdict.outcome == Outcome.KNOWN_DIFFERENCE, verdict
    assert "squareplus" in verdict.reason


def judged(net: Network, form: str, folder: Path) -> Outcome:
    """Return the verdict on a form as onnxruntime runs it, taps included."""
    subject = subjects.made(net, None, form, folder, {"time": TIME} if form == "unrolled" else {})
    assert isinstance(subject, subjects.Subject)
    assert subject.tapped is not None
    with (
        connect("onnxruntime:cpu") as connection,
        closing(connection.open(OnnxFile(subject.path))) as session,
        closing(connection.open(OnnxFile(subject.tapped))) as tapped,
    ):
        return judge(net, observing.observe(net, session, tapped, subject, large(net))).outcome


def naive_formula(t: Terms, z: str, b: float) -> str:
    return t("Mul", t("Add", z, t("Sqrt", t("Add", t("Mul", z, z), b))), 0.5)


@pytest.mark.parametrize("form", ["rnn", "scan", "wavefront", "unrolled"])
def test_a_file_does_not_cancel_and_one_that_does_is_a_fault(form: str, tmp_path: Path) -> None:
    for folder in ("ours", "naive"):
        (tmp_path / folder).mkdir()
    assert judged(layer(), form, tmp_path / "ours") == Outcome.PASS
    with patch.dict(FORMULAS, squareplus=naive_formula):
        assert judged(layer(), form, tmp_path / "naive") == Outcome.FAIL


def test_two_habits_of_a_runtime_are_one_known_difference() -> None:
    net = network(kind="squareplus", emits=("sequence",), masked=True, state=True)
    x, h0 = large(net).feeds.values()
    x = np.stack([np.zeros_like(x[:, 0]), 1 + np.abs(x[:, 1])], axis=1)
    cell = first_cell(net)
    assert cell.bias is not None
    z = x[:, 1].astype(np.float64) @ cell.kernel.read() + cell.bias.read()
    z += h0.astype(np.float64) @ cell.recurrent_kernel.read()
    shown = {"y0": np.stack([h0, naive(z)], axis=1)}
    verdict = judge(net, Observation({"x": x, "h0": h0}, shown, Facts("keras:jax")))
    assert verdict.outcome == Outcome.KNOWN_DIFFERENCE, verdict
    assert "masked steps" in verdict.reason
    assert "squareplus" in verdict.reason
    other = Observation({"x": x, "h0": h0}, shown, Facts("keras:tensorflow"))
    assert judge(net, other).outcome == Outcome.FAIL
