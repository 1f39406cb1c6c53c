"""Probes measure what a runtime errs by, on weights of their own; what they cannot measure keeps the default."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.network import Network
from rnn_export.runtimes import connect
from rnn_export.verifier.bounds.envelope import ABSOLUTE, LEAST, RELATIVE, Envelope
from rnn_export.workflows.probing import ROWS, STEPS, Probes, arguments
from tests.unit.verifier.showing import network


def stack() -> Network:
    return network((32, 7), features=16)


@pytest.mark.parametrize(("name", "form"), [("numpy", ""), ("onnxruntime:cpu", "rnn")])
def test_good_runtimes_are_measured_to_be_better_than_the_default(name: str, form: str) -> None:
    with connect(name) as connection:
        probes = Probes(connection)
        envelope = probes.envelope(stack(), form)
        assert probes.envelope(stack(), form) == envelope
    ((kind, relative, absolute),) = envelope.measured
    assert kind == "tanh"
    assert 1 <= relative < RELATIVE
    assert 0.5 <= absolute <= ABSOLUTE
    assert [sizes[:2] for sizes in envelope.sums] == [(16, 32), (32, 7)]
    # The larger cell adds in blocks, and errs less of what one end to the other would.
    assert LEAST <= envelope.part((16, 32)) < 0.95
    assert envelope.part((16, 32)) <= envelope.part((32, 7)) <= 1


def test_a_form_that_is_not_ours_keeps_the_default() -> None:
    with connect("onnxruntime:cpu") as connection:
        assert Probes(connection).envelope(stack(), "loop") == Envelope()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_arguments_are_of_every_size_and_both_signs(dtype: str) -> None:
    z = arguments(dtype).astype(np.float64).ravel()
    assert z.size == ROWS * STEPS
    assert (z < 0).mean() > 0.4 < (z > 0).mean()
    for low, high in ((1e-6, 1e-4), (1e-4, 1e-2), (1e-2, 1), (1, 8), (8, 20)):
        assert ((np.abs(z) > low) & (np.abs(z) <= high)).sum() > 100


def test_a_runtime_is_measured_once_for_as_long_as_it_is_connected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with connect("onnxruntime:cpu") as connection:
        first = Probes(connection).envelope(stack(), "rnn")
        monkeypatch.setattr(connection, "open", None)
        assert Probes(connection).envelope(stack(), "rnn") == first
