"""Keras' own ONNX export as a peer: made in another process, its ports named as the network's."""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from rnn_export.builders import reference
from rnn_export.errors import RuntimeCrashed, RuntimeRefused
from rnn_export.peers import loop, translate
from rnn_export.readers import read
from tests.bounds import U32
from tests.unit.exporters.exact import run


def two_outputs() -> keras.Model:
    x = keras.Input((None, 3), name="x")
    h = keras.Input((4,), name="h0")
    y, state = keras.layers.SimpleRNN(
        4, return_sequences=True, return_state=True, bias_initializer="uniform", name="rnn"
    )(x, initial_state=h)
    return keras.Model([x, h], [y, state])


@pytest.mark.slow
def test_a_file_is_translated_in_another_process_and_agrees(tmp_path: Path) -> None:
    source, path = tmp_path / "model.keras", tmp_path / "loop.onnx"
    two_outputs().save(source)
    assert translate(source, path) == path
    model = onnx.load(path)
    network = read(source)
    assert [item.name for item in model.graph.input] == [port.name for port in network.inputs]
    assert [item.name for item in model.graph.output] == [port.name for port in network.outputs]
    assert "Loop" in {node.op_type for node in model.graph.node}
    random = np.random.default_rng(0)
    given = {
        "x": random.standard_normal((2, 5, 3)).astype(np.float32),
        "h0": random.standard_normal((2, 4)).astype(np.float32),
    }
    got, want = run(model, given), reference.run(network, given, np.float64)
    (call,) = network.calls
    op = call.op
    weights = [np.abs(w.read()) for w in (op.cells[0].kernel, op.cells[0].recurrent_kernel)]  # type: ignore[attr-defined]
    # Nine terms of at most max|x| W + max|h| R + b a step, and 9u for tanh; |R| carries them on.
    sizes = np.abs(given["x"]).max() * weights[0].sum(axis=0) + np.abs(given["h0"]).max() * weights[
        1
    ].sum(axis=0)
    local, bound = U32 * (9 * (sizes + 1) + 9), np.zeros(4)
    for t in range(5):
        bound = local + bound @ weights[1]
        assert np.all(np.abs(got["rnn"][:, t] - want["rnn"][:, t]) <= bound)
    np.testing.assert_array_equal(got["rnn_1"], got["rnn"][:, -1])


@pytest.mark.slow
def test_a_live_sequential_is_translated_here(tmp_path: Path) -> None:
    layers = keras.layers
    model = keras.Sequential([keras.Input((None, 3)), layers.SimpleRNN(4, name="only")])
    made = onnx.load(loop(model, tmp_path / "loop.onnx"))
    assert [item.name for item in made.graph.output] == ["only"]
    assert [item.name for item in made.graph.input] == [model.inputs[0].name]


@pytest.mark.slow
def test_what_keras_refuses_is_reported_in_its_words(tmp_path: Path) -> None:
    with pytest.raises(
        RuntimeRefused, match=r"peer loop: expected .* got ValueError: File not found"
    ):
        translate(tmp_path / "missing.keras", tmp_path / "loop.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_translation_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(RuntimeCrashed, match=r"expected a translation within 0\.01 s"):
        translate(tmp_path / "model.keras", tmp_path / "loop.onnx", time_limit=0.01)


def test_a_process_that_dies_is_told_from_one_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dies"
    program.write_text("#!/bin/sh\necho last words >&2\nexit 7\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(RuntimeCrashed, match="exit code 7: last words"):
        translate(tmp_path / "model.keras", tmp_path / "loop.onnx")
