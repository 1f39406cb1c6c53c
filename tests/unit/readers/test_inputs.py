"""Which axes stay open, what they are called, and which share a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from rnn_export.network import Dim, Network
from rnn_export.readers import read

L = keras.layers


def shapes(network: Network) -> dict[str, tuple[Dim, ...]]:
    return {port.name: network.spec(port.tensor).shape for port in network.inputs}


def called(*layers: Any, shape: tuple[int, ...] = (3, 7, 5)) -> Any:
    model = keras.Sequential(list(layers))
    model(np.zeros(shape))
    return model


def only(network: Network) -> tuple[Dim, ...]:
    (shape,) = shapes(network).values()
    return shape


@pytest.mark.parametrize(
    ("layers", "shape", "wanted"),
    [
        (lambda: [L.SimpleRNN(4)], (3, 7, 5), ("batch", "time", 5)),
        (lambda: [L.Embedding(9, 4), L.SimpleRNN(4)], (3, 7), ("batch", "time")),
        (lambda: [L.Dense(4)], (3, 5), ("batch", 5)),
        (
            lambda: [keras.Sequential([L.Embedding(9, 4)]), L.SimpleRNN(4)],
            (3, 7),
            ("batch", "time"),
        ),
        (lambda: [L.SimpleRNN(4, unroll=True)], (3, 7, 5), ("batch", 7, 5)),
        (lambda: [L.Flatten(), L.Dense(4)], (3, 7, 5), ("batch", 7, 5)),
        (lambda: [L.Permute((2, 1)), L.SimpleRNN(4)], (3, 7, 5), ("batch", 7, 5)),
        (lambda: [L.SimpleRNN(4, stateful=True)], (3, 7, 5), (3, "time", 5)),
    ],
)
def test_a_model_built_by_being_called_is_as_open_as_its_layers(
    layers: Any, shape: tuple[int, ...], wanted: tuple[Dim, ...], tmp_path: Path
) -> None:
    model = called(*layers(), shape=shape)
    model.save(tmp_path / "model.keras")
    network = read(tmp_path / "model.keras")
    sequence = network.spec(network.inputs[0].tensor).shape
    assert sequence == wanted
    assert read(model).digest == network.digest


def test_float_tokens_of_a_called_model_stay_floats() -> None:
    network = read(called(L.Embedding(9, 4), shape=(3, 7)))
    assert network.spec(network.inputs[0].tensor).dtype == "float32"


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((None, 5), ("batch", "time", 5)),
        ((7, 5), ("batch", 7, 5)),
        ((7, None, 5), ("batch", 7, "x_axis_2", 5)),
        ((), ("batch",)),
    ],
)
def test_an_input_given_by_hand_keeps_what_it_fixes(
    shape: tuple[int | None, ...], wanted: tuple[Dim, ...]
) -> None:
    x = keras.Input(shape, name="x")
    assert only(read(keras.Model(x, L.Activation("tanh")(x)))) == wanted


def test_a_named_input_keeps_its_batch() -> None:
    model = keras.Sequential([keras.Input(batch_shape=(3, 7, 5), name="mine"), L.SimpleRNN(4)])
    assert only(read(model)) == (3, 7, 5)


def test_a_second_sequence_has_a_length_of_its_own() -> None:
    x, y = keras.Input((None, 5), name="x"), keras.Input((None, 4), name="y")
    model = keras.Model([x, y], [L.SimpleRNN(3)(x), L.SimpleRNN(3)(y)])
    assert shapes(read(model)) == {"x": ("batch", "time", 5), "y": ("batch", "y_time", 4)}


@pytest.mark.parametrize("kind", ["Add", "Multiply", "Maximum", "Concatenate"])
def test_sequences_that_are_joined_step_by_step_share_a_length(kind: str) -> None:
    x, y = keras.Input((None, 5), name="x"), keras.Input((None, 5), name="y")
    network = read(keras.Model([x, y], getattr(L, kind)()([x, y])))
    assert shapes(network) == {"x": ("batch", "time", 5), "y": ("batch", "time", 5)}


def test_a_mask_shares_the_length_of_what_it_masks() -> None:
    mask = keras.Input((None,), name="mask", dtype="bool")
    x = keras.Input((None, 5), name="x")
    network = read(keras.Model([mask, x], L.SimpleRNN(3)(x, mask=mask)))
    assert shapes(network) == {"mask": ("batch", "time"), "x": ("batch", "time", 5)}


def test_sequences_put_end_to_end_keep_their_lengths() -> None:
    x, y = keras.Input((None, 5), name="x"), keras.Input((None, 5), name="y")
    network = read(keras.Model([x, y], L.Concatenate(axis=1)([x, y])))
    assert shapes(network) == {"x": ("batch", "time", 5), "y": ("batch", "y_time", 5)}


def test_inputs_come_in_the_order_of_keras() -> None:
    x, y = keras.Input((None, 5), name="x"), keras.Input((None, 5), name="y")
    as_dict = keras.Model({"y": y, "x": x}, L.Add()([x, y]))
    assert [port.name for port in read(as_dict).inputs] == [
        tensor.name for tensor in as_dict.inputs
    ]
    unused = keras.Model([y, x], L.Dense(3)(x))
    assert [port.name for port in read(unused).inputs] == ["y", "x"]
