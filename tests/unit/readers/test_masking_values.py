"""Which steps Masking masks where its value is no number of its inputs' dtype, against Keras."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from rnn_export.errors import ReadError
from rnn_export.readers import read
from rnn_export.runtimes import Connection, connect
from rnn_export.verifier import InputSet, Outcome
from tests.property.judged_models import trials

L = keras.layers
TIME = 4
POLICIES = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")


def rnn(x: Any) -> Any:
    # The bias makes every step that is not masked tell; a small kernel lets little through of what bfloat16 rounds.
    held = keras.initializers.Constant
    return L.SimpleRNN(
        2,
        kernel_initializer=held(0.02),
        recurrent_initializer=held(0.25),
        bias_initializer=held(0.25),
        return_sequences=True,
    )(x)


@pytest.fixture(scope="module")
def onnxruntime() -> Iterator[Connection]:
    with connect("onnxruntime:cpu") as connection:
        yield connection


def agrees(model: Any, values: np.ndarray, folder: Path, connection: Connection) -> None:
    """Assert that Keras computes what was read, and so does a file; a step masked in one alone is far off."""
    model.save(folder / "model.keras")
    network = read(folder / "model.keras")
    inputs = InputSet("masked", {"x": values}, len(values), TIME, 0, 1.0)
    found = list(trials(network, model, inputs, folder, connection, ("rnn",)))
    assert [item.word for item in found] == [Outcome.PASS] * 2, found


@pytest.mark.parametrize("masked", [0.1, -999, 2049, 0.5, -1.0])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_masking_value_is_compared_as_keras_compares_it(
    masked: float, policy: str, tmp_path: Path, onnxruntime: Connection
) -> None:
    x = keras.Input((None, 2), name="x")
    model = keras.Model(x, rnn(L.Masking(masked, dtype=policy)(x)))
    values = np.random.default_rng(4).integers(-1, 2, (3, TIME, 2)).astype("float32")
    values[0, 2:] = values[1, 1] = masked
    values[2, 1:] = masked * (1 + 2.0**-9)
    agrees(model, values, tmp_path, onnxruntime)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint32"])
@pytest.mark.parametrize("masked", [0, 2, 0.5, -1, 300])
def test_a_masking_value_is_compared_with_integers_too(
    masked: float, dtype: str, tmp_path: Path, onnxruntime: Connection
) -> None:
    x = keras.Input((None, 2), name="x", dtype=dtype)
    model = keras.Model(x, rnn(L.Masking(masked)(x)))
    values = np.random.default_rng(4).integers(0, 3, (3, TIME, 2)).astype(dtype)
    values[0, 1:] = np.array(masked).astype(dtype)
    values[1, 2] = 0
    agrees(model, values, tmp_path, onnxruntime)


def test_no_step_of_an_unmasked_part_in_small_integers_is_masked(
    tmp_path: Path, onnxruntime: Connection
) -> None:
    x = keras.Input((TIME, 2), name="x", dtype="uint8")
    model = keras.Model(x, rnn(L.Concatenate(axis=1)([L.Masking()(x), x])))
    agrees(model, np.zeros((2, TIME, 2), "uint8"), tmp_path, onnxruntime)


@pytest.mark.parametrize(
    ("masked", "dtype", "words"),
    [
        (float("nan"), "float32", "Nothing equals it"),
        (2**24 + 1, "int64", "below 16777216, got 16777217"),
        (0, "bool", "float inputs, got bool"),
        (0, "uint16", "float inputs, got uint16"),
    ],
)
def test_a_masking_that_no_file_can_follow_is_refused(
    masked: float, dtype: str, words: str
) -> None:
    x = keras.Input((None, 2), name="x", dtype=dtype)
    model = keras.Model(x, rnn(L.Masking(masked, name="m")(x)))
    with pytest.raises(ReadError, match=rf"layer 'm' \(Masking\): .*{words}"):
        read(model)
