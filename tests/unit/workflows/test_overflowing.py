"""A formula that overflows on its way: what the file makes of it there is no fault, and covers for none elsewhere."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from rnn_export.runtimes import OnnxFile, connect
from rnn_export.verifier import InputSet, Observation, Outcome, judge
from rnn_export.workflows import subjects
from rnn_export.workflows.observing import observe
from tests.unit.verifier.showing import FEATURES, altered, first_cell, network


def seen(folder: Path) -> Observation:
    """Return what onnxruntime shows of squareplus on inputs whose squares, for some rows, are beyond float32."""
    net = network(kind="squareplus", emits=("sequence",))
    subject = subjects.made(net, None, "scan", folder, {})
    assert isinstance(subject, subjects.Subject)
    assert subject.tapped is not None
    x = np.random.default_rng(1).standard_normal((3, 4, FEATURES)).astype(np.float32)
    x[1:] *= np.float32(1e21)
    given = InputSet("drawn", {"x": x}, 3, 4, 1, 1.0)
    with (
        connect("onnxruntime:cpu") as connection,
        closing(connection.open(OnnxFile(subject.path))) as session,
        closing(connection.open(OnnxFile(subject.tapped))) as tapped,
    ):
        return observe(net, session, tapped, subject, given)


def test_an_infinity_from_a_square_is_as_right_as_the_number(tmp_path: Path) -> None:
    found = seen(tmp_path)
    (states,) = found.shipped.values()
    assert np.isinf(states[1:]).any()
    net = network(kind="squareplus", emits=("sequence",))
    verdict = judge(net, found)
    assert verdict.outcome == Outcome.PASS, verdict.reason
    (name,) = found.shipped
    # An infinity where nothing overflows, and a number that is wrong where something does.
    for row, value in ((0, np.inf), (1, np.float32(1e17))):
        wrong = states.copy()
        step = int(np.argmax(np.isfinite(wrong[row]).all(axis=-1))) if row == 0 else 0
        wrong[row, step, 0] = value
        assert judge(net, replace(found, shipped={name: wrong})).outcome == Outcome.FAIL


def test_sums_that_overflow_on_their_way_are_no_fault(tmp_path: Path) -> None:
    net = network(kind="linear", emits=("sequence",))
    net = altered(net, "rnn0", recurrent_kernel=first_cell(net).recurrent_kernel.read() * 1e12)
    subject = subjects.made(net, None, "rnn", tmp_path, {})
    assert isinstance(subject, subjects.Subject)
    assert subject.tapped is not None
    x = np.random.default_rng(1).standard_normal((3, 9, FEATURES)).astype(np.float32)
    given = InputSet("drawn", {"x": x}, 3, 9, 1, 1.0)
    with (
        connect("onnxruntime:cpu") as connection,
        closing(connection.open(OnnxFile(subject.path))) as session,
        closing(connection.open(OnnxFile(subject.tapped))) as tapped,
    ):
        found = observe(net, session, tapped, subject, given)
    (states,) = found.shipped.values()
    assert np.isnan(states).any()
    verdict = judge(net, found)
    assert verdict.outcome == Outcome.PASS, verdict.reason
