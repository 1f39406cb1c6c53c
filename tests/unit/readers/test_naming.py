"""The places of weights are Keras' own: reordered, renamed, shared, nested layers and names that collide."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
from keras.src.utils.naming import to_snake_case as keras_snake_case

from rnn_export.errors import ReadError
from rnn_export.readers import read
from rnn_export.readers.layers.table import LAYERS
from rnn_export.readers.naming import Container, to_snake_case
from tests.property.keras_building import set_weights

L = keras.layers


def x() -> Any:
    return keras.Input((None, 5), name="x")


def rnn(name: str, units: int = 5) -> Any:
    return L.SimpleRNN(units, return_sequences=True, name=name)


def reordered() -> Any:
    given = x()
    return keras.Model(given, L.Add()([rnn("simple_rnn_1")(given), rnn("simple_rnn")(given)]))


def same_names_inside() -> Any:
    given = x()
    parts = [keras.Sequential([x(), rnn("rnn")], name=name) for name in ("b", "a")]
    return keras.Model(given, parts[1](rnn("rnn")(parts[0](given))))


def sequentials_inside() -> Any:
    inner = keras.Sequential([x(), rnn("rnn"), L.Dense(5, name="dense")], name="inner")
    return keras.Sequential(
        [x(), inner, keras.Sequential([x(), rnn("rnn")], name="other"), rnn("rnn")]
    )


def functional_deep() -> Any:
    first = x()
    a = keras.Model(first, rnn("rnn")(first), name="a")
    second = x()
    b = keras.Model(second, L.Dense(5)(a(second)), name="b")
    third = x()
    return keras.Model(third, b(a(third)))


def cells_of_one_name() -> Any:
    given = x()
    cells = [L.SimpleRNNCell(units, name="cell") for units in (3, 4, 5)]
    return keras.Model(given, L.RNN([*cells[:2], L.StackedRNNCells(cells[2:])], name="rnn")(given))


def both_ways() -> Any:
    given = x()
    layer = L.Bidirectional(
        rnn("rnn", 4), backward_layer=L.SimpleRNN(4, return_sequences=True, go_backwards=True)
    )
    stack = L.Bidirectional(L.RNN([L.SimpleRNNCell(2), L.SimpleRNNCell(3)]))
    return keras.Model(given, stack(layer(given)))


def wrapped() -> Any:
    given = x()
    steps = keras.Sequential([keras.Input((5,)), L.Dense(4), L.BatchNormalization()])
    return keras.Model(given, L.TimeDistributed(L.Dense(3))(L.TimeDistributed(steps)(given)))


def masked() -> Any:
    """The operations that Keras notes for masks are no layers."""
    given = x()
    parts = [L.Dense(4)(L.Masking()(given)), L.Dense(4)(given)]
    return keras.Model(given, rnn("rnn")(L.Concatenate(axis=1)(parts)))


def twice_in_a_sequential() -> Any:
    layer = rnn("rnn")
    return keras.Sequential([x(), layer, L.Dense(5), layer])


def outside_and_inside() -> Any:
    layer, given, inner_x = rnn("rnn"), x(), x()
    inner = keras.Model(inner_x, layer(inner_x), name="inner")
    return keras.Model(given, inner(layer(given)))


MODELS: dict[str, Callable[[], Any]] = {
    make.__name__: make
    for make in (
        *(reordered, same_names_inside, sequentials_inside, functional_deep, cells_of_one_name),
        *(both_ways, wrapped, masked, twice_in_a_sequential, outside_and_inside),
    )
}


@pytest.mark.parametrize("name", MODELS)
def test_a_file_holds_the_weights_of_the_live_model(name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    set_weights(model, 5)
    model.save(tmp_path / "model.keras")
    network = read(tmp_path / "model.keras")
    assert network.digest == read(model).digest
    assert network.parameters == model.count_params()


def test_trainable_weights_first_as_legacy_files_have_them(tmp_path: Path) -> None:
    model = wrapped()
    model.layers[1].layer.layers[0].trainable = False
    set_weights(model, 5)
    for path in (tmp_path / "model.h5", tmp_path / "model.keras"):
        model.save(path)
        assert read(path).digest == read(model).digest


def test_a_layer_that_keras_cannot_save_is_no_guess(tmp_path: Path) -> None:
    """A layer after a model that holds it too: Keras writes it once and cannot load it."""
    layer, given, inner_x = rnn("rnn"), x(), x()
    inner = keras.Model(inner_x, layer(inner_x), name="inner")
    keras.Model(given, layer(inner(given))).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="could not be loaded"):
        keras.models.load_model(tmp_path / "model.keras")
    with pytest.raises(
        ReadError,
        match=r"layer 'rnn' \(SimpleRNN\): expected 3 weights, got 0.*read the live model",
    ):
        read(tmp_path / "model.keras")


@pytest.mark.parametrize(
    "name", [*LAYERS, "Functional", "LSTMCell", "TFSMLayer", "A b-C2d", "GRUV2"]
)
def test_class_names_are_spelled_as_keras_spells_them(name: str) -> None:
    assert to_snake_case(name) == keras_snake_case(name)


def test_a_name_that_comes_again_is_counted() -> None:
    names = Container("layers")
    assert [names.place(kind) for kind in ("Dense", "ReLU", "Dense", "Dense")] == [
        "layers/dense",
        "layers/re_lu",
        "layers/dense_1",
        "layers/dense_2",
    ]
