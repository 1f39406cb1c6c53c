"""Dtype policies: the casts of the network are those of Keras, shown by sums that are exact or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest

from rnn_export.builders import reference
from rnn_export.errors import ReadError
from rnn_export.network import Network
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.readers import read
from tests.property.keras_comparing import quietly

L = keras.layers
POLICIES = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
BATCH, TIME, FEATURES = 3, 4, 5


def rnn(policy: str, **options: Any) -> Any:
    # Keras cannot draw an orthogonal matrix in bfloat16.
    options = {"recurrent_initializer": "zeros", "return_sequences": True, **options}
    return L.SimpleRNN(4, activation="relu", dtype=policy, **options)


def cell_of_its_own(policy: str) -> Any:
    cell = L.SimpleRNNCell(4, activation="relu", recurrent_initializer="zeros", dtype="float32")
    return L.RNN(cell, return_sequences=True, return_state=True, dtype=policy)


LAYERS = {
    "rnn": rnn,
    "cell-of-its-own": cell_of_its_own,
    "both": lambda policy: L.Bidirectional(rnn(policy), merge_mode="sum", dtype=policy),
    "both-of-its-own": lambda policy: L.Bidirectional(
        rnn(policy), merge_mode="sum", dtype="float32"
    ),
    "dense": lambda policy: L.Dense(4, dtype=policy),
    "masking": lambda policy: L.Masking(mask_value=1.0, dtype=policy),
    "activation": lambda policy: L.ReLU(dtype=policy),
    "flatten": lambda policy: L.Permute((2, 1), dtype=policy),
}


def exact_model(make: Any, policy: str) -> Any:
    """Return a model whose sums are exact in 8 bits once its weights, multiples of 1 + 2**-12, are rounded."""
    x = keras.Input((TIME, FEATURES), name="x")
    model = keras.Model(x, make(policy)(L.Masking(dtype=policy)(x)))
    rng = np.random.default_rng(1)
    for variable in model.weights:
        values = rng.integers(-1, 2, tuple(variable.shape)) * (1 + 2.0**-12)
        # One entry a row, so that no sum of two rounds in half precision.
        if values.ndim == 2:
            values = values * np.eye(*values.shape)
        variable.assign(values.astype("float32"))
    return model


def outputs(network: Network, model: Any) -> list[tuple[str, np.ndarray, str, np.ndarray]]:
    """Return (dtype, values) that were read and that Keras gives, for each output."""
    x = np.random.default_rng(2).integers(-1, 2, (BATCH, TIME, FEATURES)).astype("float32")
    got = reference.run(network, {"x": x}, np.float32)
    made = []
    for port, y in zip(network.outputs, keras.tree.flatten(quietly(model, x)), strict=True):
        dtype = keras.backend.standardize_dtype(y.dtype)
        values = np.asarray(keras.ops.cast(y, "float64"))
        made.append(
            (network.spec(port.tensor).dtype, got[port.name].astype("float64"), dtype, values)
        )
    return made


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", LAYERS)
def test_a_policy_means_what_it_means_in_keras(name: str, policy: str, tmp_path: Path) -> None:
    model = quietly(exact_model, LAYERS[name], policy)
    model.save(tmp_path / "model.keras")
    network = read(tmp_path / "model.keras")
    assert quietly(read, model).digest == network.digest
    for dtype, values, keras_dtype, keras_values in outputs(network, model):
        assert dtype == keras_dtype
        if policy != "float64":
            assert np.array_equal(values, keras_values)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_policies_keep_their_weights_in_float32(policy: str) -> None:
    network = read(exact_model(rnn, policy))
    assert {weight.dtype.name for _, weight in network.weights()} == {"float32"}
    assert network.recurrent()[0].dtype == policy.removeprefix("mixed_")


def test_bfloat16_weights_are_read_from_a_file(tmp_path: Path) -> None:
    model = exact_model(rnn, "bfloat16")
    model.save(tmp_path / "model.keras")
    network = read(tmp_path / "model.keras")
    (kernel, *_) = (weight for _, weight in network.weights())
    assert kernel.dtype == ml_dtypes.bfloat16
    (cell,) = (layer.cell for layer in model.layers if hasattr(layer, "cell"))
    assert np.array_equal(kernel.read(), cell.kernel.numpy())


def test_float_tokens_stay_floats_whatever_the_policy() -> None:
    model = keras.Sequential([L.Embedding(9, 4, mask_zero=True, dtype="mixed_float16")])
    model(np.ones((2, 3)))
    network = read(model)
    assert network.spec(network.inputs[0].tensor).dtype == "float16"
    assert [type(call.op).__name__ for call in network.calls] == ["Embedding"]


def test_stacked_cells_of_two_policies_are_refused() -> None:
    cells = [L.SimpleRNNCell(3, dtype="float64"), L.SimpleRNNCell(3)]
    x = keras.Input((None, 5))
    stack = L.StackedRNNCells(cells, name="pair")
    with pytest.raises(ReadError, match="cells of one dtype policy"):
        read(keras.Model(x, L.RNN(stack, name="rnn")(x)))


@pytest.mark.parametrize("layer", [L.SimpleRNN, L.Dense])
def test_an_activation_layer_of_another_dtype_is_refused(layer: Any) -> None:
    """Keras computes it in its own dtype, and hands that on."""
    x = keras.Input((None, 5), dtype="float64")
    made = layer(3, activation=L.LeakyReLU(0.1), dtype="float64", name="layer")
    with pytest.raises(
        ReadError, match=r"layer 'layer' .*, activation: .* in float64, .* LeakyReLU in float32"
    ):
        read(keras.Model(x, made(x)))
    same = layer(3, activation=L.LeakyReLU(0.1, dtype="float64"), dtype="float64")
    (call,) = read(keras.Model(x, same(x))).calls
    assert call.dtype == "float64"


def test_a_quantized_layer_is_refused() -> None:
    x = keras.Input((5,))
    model = keras.Model(x, L.Dense(3, name="dense")(x))
    quietly(model.quantize, "int8")
    with pytest.raises(
        ReadError, match=r"layer 'dense' \(Dense\): expected weights that are not quantized"
    ):
        read(model)


@pytest.mark.parametrize("given", ["float16", "bfloat16"])
@pytest.mark.parametrize("policy", ["float16", "bfloat16", "float32", "float64"])
def test_a_layer_normalization_rounds_to_the_dtype_of_what_it_is_given(
    given: str, policy: str, tmp_path: Path
) -> None:
    x = keras.Input((FEATURES,), name="x", dtype=given)
    model = keras.Model(x, L.LayerNormalization(name="norm", dtype=policy)(x))
    model.save(tmp_path / "model.keras")
    network = read(tmp_path / "model.keras")
    values = np.random.default_rng(3).normal(size=(50, FEATURES)).astype(numpy_dtype(given))
    got = reference.run(network, {"x": values}, np.float32)["norm"].astype(numpy_dtype(policy))
    want = np.asarray(keras.ops.cast(model(values), "float32"))
    # All but numbers that float32 puts beside the middle of two.
    assert np.mean(got.astype(np.float32) == want) > 0.95
