"""Activations by name, by object and as layers: each is read with every parameter, or refused by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

from rnn_export.errors import ReadError
from rnn_export.network import FUNCTIONS, Activation, activation
from rnn_export.network.ops import Activate, Dense, Recurrent
from rnn_export.readers import read

L = keras.layers
NAMES = sorted(
    name
    for name, value in inspect.getmembers(keras.activations, inspect.isfunction)
    if name not in ("get", "serialize", "deserialize", "swish", "hard_swish")
)


def read_back(layer: Any, folder: Path) -> list[Activation]:
    """Return the activations of a model around one layer, read from its file."""
    x = keras.Input((None, 5), name="x")
    model = keras.Model(x, layer(x))
    model.save(folder / "model.keras")
    network = read(folder / "model.keras")
    assert read(model).digest == network.digest
    found: list[Activation] = []
    for call in network.calls:
        if isinstance(call.op, Recurrent):
            found += [cell.activation for cell in call.op.cells]
        elif isinstance(call.op, (Activate, Dense)):
            found.append(call.op.activation)
    return found


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"glu", "threshold"}))
def test_a_named_activation_is_read(name: str, tmp_path: Path) -> None:
    for layer in (L.SimpleRNN(4, activation=name), L.Dense(4, activation=name)):
        assert read_back(layer, tmp_path) == [activation(name)]


def test_an_activation_on_pairs_is_refused() -> None:
    x = keras.Input((None, 4))
    with pytest.raises(ReadError, match="'glu'"):
        read(keras.Model(x, L.Dense(4, activation="glu")(x)))


OBJECTS: dict[str, tuple[Callable[[], Any], Activation]] = {
    "leaky": (lambda: L.LeakyReLU(0.1), activation("leaky_relu", negative_slope=0.1)),
    "elu": (lambda: L.ELU(0.7), activation("elu", alpha=0.7)),
    "relu": (
        lambda: L.ReLU(max_value=6.0, negative_slope=0.1, threshold=0.5),
        activation("relu", max_value=6.0, negative_slope=0.1, threshold=0.5),
    ),
    "relu-open": (lambda: L.ReLU(), activation("relu")),
    "softmax": (lambda: L.Softmax(), activation("softmax")),
    "activation": (lambda: L.Activation("gelu"), activation("gelu")),
    "function": (lambda: keras.activations.selu, activation("selu")),
    "alias": (lambda: "swish", activation("silu")),
    "nothing": (lambda: None, activation("linear")),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_read_with_its_parameters(name: str, tmp_path: Path) -> None:
    make, wanted = OBJECTS[name]
    assert read_back(L.SimpleRNN(4, activation=make()), tmp_path) == [wanted]


@pytest.mark.parametrize("name", sorted(set(OBJECTS) - {"function", "alias", "nothing"}))
def test_an_activation_layer_is_read_with_its_parameters(name: str, tmp_path: Path) -> None:
    make, wanted = OBJECTS[name]
    assert read_back(make(), tmp_path) == [wanted]


def test_a_custom_function_of_a_known_name_is_refused() -> None:
    def tanh(z: Any) -> Any:
        return 2 * z

    x = keras.Input((None, 5))
    model = keras.Model(x, L.SimpleRNN(4, activation=tanh, name="rnn")(x))
    with pytest.raises(ReadError, match=r"layer 'rnn' \(SimpleRNN\).*custom function .*tanh"):
        read(model)


def test_a_layer_with_weights_is_no_activation() -> None:
    x = keras.Input((None, 5))
    model = keras.Model(x, L.SimpleRNN(4, activation=L.PReLU(), name="rnn")(x))
    with pytest.raises(ReadError, match=r"layer 'rnn' \(SimpleRNN\).*class PReLU"):
        read(model)


def test_every_known_function_has_a_name_in_keras() -> None:
    assert set(FUNCTIONS) <= set(NAMES)
