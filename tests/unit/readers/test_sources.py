"""The same model from a .keras file, a legacy .h5 file, a .json with its weights, or live is the same network."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from rnn_export.errors import ReadError
from rnn_export.readers import read
from tests.property.keras_building import set_weights

L = keras.layers


@pytest.fixture(scope="module")
def model() -> Any:
    x = keras.Input((None, 5), name="x")
    y = L.Bidirectional(L.SimpleRNN(4, return_sequences=True, name="rnn"), name="both")(
        L.Masking(name="mask")(x)
    )
    made = keras.Model(x, L.Dense(3, name="dense")(y), name="model")
    set_weights(made, 1)
    return made


@pytest.fixture
def folder(model: Any, tmp_path: Path) -> Path:
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(tmp_path / "legacy.h5")
    model.save_weights(tmp_path / "pair.weights.h5")
    (tmp_path / "pair.json").write_text(model.to_json())
    return tmp_path


def test_every_source_gives_the_same_network(model: Any, folder: Path) -> None:
    pair = (folder / "pair.json", folder / "pair.weights.h5")
    sources = [model, folder / "model.keras", str(folder / "legacy.h5"), *pair, pair, pair[::-1]]
    networks = [read(source) for source in sources]
    assert len({network.digest for network in networks}) == 1
    assert [network.source.kind for network in networks] == [
        "live-model",
        "keras-file",
        *["h5-file"] * 5,
    ]
    assert all(network.source.name == "model" for network in networks)


def test_a_file_says_which_keras_wrote_it(folder: Path) -> None:
    assert dict(read(folder / "model.keras").source.facts) == {"keras_version": keras.__version__}
    assert dict(read(folder / "legacy.h5").source.facts) == {"keras_version": keras.__version__}


def test_an_unpacked_keras_file_is_read_by_its_config(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "unpacked", zipped=False)
    assert read(tmp_path / "unpacked" / "config.json").digest == read(model).digest
    with pytest.raises(ReadError, match=r"expected a model file, got a directory.*config\.json"):
        read(tmp_path / "unpacked")


def test_a_configuration_without_weights_says_what_is_missing(folder: Path) -> None:
    (folder / "pair.weights.h5").unlink()
    with pytest.raises(ReadError, match=r"its weights beside it, got none of pair\.weights\.h5"):
        read(folder / "pair.json")


def test_weights_without_a_configuration_say_what_is_missing(folder: Path) -> None:
    (folder / "pair.json").unlink()
    with pytest.raises(ReadError, match=r"its configuration beside it, got none of pair\.json"):
        read(folder / "pair.weights.h5")


def test_a_live_model_trained_further_leaves_the_network_as_it_was() -> None:
    x = keras.Input((None, 5), name="x")
    model = keras.Model(x, L.SimpleRNN(4, name="rnn")(x))
    network = read(model)
    digest = network.digest
    for variable in model.weights:
        variable.assign(np.ones(variable.shape))
    assert network.digest == digest
    assert read(model).digest != digest


def test_a_model_that_was_compiled_and_trained_is_read(tmp_path: Path) -> None:
    x = keras.Input((6, 5), name="x")
    model = keras.Model(x, L.SimpleRNN(4, dropout=0.1, name="rnn")(x))
    model.compile("adam", "mse")
    model.fit(np.zeros((4, 6, 5)), np.zeros((4, 4)), verbose=0)
    model.save(tmp_path / "model.keras")
    assert read(tmp_path / "model.keras").digest == read(model).digest


@pytest.mark.parametrize("source", [3, None, b"model.keras", ["a"]])
def test_what_is_no_source_is_refused(source: object) -> None:
    with pytest.raises(ReadError, match="expected a path, a pair"):
        read(source)


def test_outputs_carry_the_names_of_their_layers() -> None:
    x = keras.Input((None, 5), name="x")
    rnn = L.SimpleRNN(4, return_state=True, name="rnn")
    network = read(keras.Model(x, [*rnn(x), L.Dense(2, name="head")(rnn(x)[0]), x]))
    assert [port.name for port in network.outputs] == ["rnn", "rnn_1", "head", "x_1"]
    assert [port.name for port in network.inputs] == ["x"]


def test_calls_are_named_by_layers_models_and_counts() -> None:
    x = keras.Input((None, 5), name="x")
    given = keras.Input((None, 5), name="g")
    cells = [L.SimpleRNNCell(3, name="low"), L.SimpleRNNCell(5, name="high")]
    inner = keras.Model(
        given, L.RNN(cells, return_sequences=True, name="rnn")(given), name="encoder"
    )
    network = read(keras.Model(x, inner(inner(x)), name="outermost"))
    assert [call.path for call in network.calls] == ["encoder/rnn#0", "encoder/rnn#1"]
    assert [path for path, _ in network.weights()][:2] == [
        "encoder/rnn/low/kernel",
        "encoder/rnn/low/recurrent_kernel",
    ]


def test_the_order_of_calls_follows_from_the_wiring(tmp_path: Path) -> None:
    x = keras.Input((None, 5), name="x")
    late, early = L.Dense(3, name="late")(x), L.Dense(3, name="early")(x)
    model = keras.Model(x, L.Subtract(name="s")([early, late]))
    model.save(tmp_path / "model.keras")
    assert [call.path for call in read(tmp_path / "model.keras").calls] == [
        "early#0",
        "late#0",
        "s#0",
    ]


def test_a_mask_that_ends_unused_leaves_nothing_behind() -> None:
    x = keras.Input((7,), name="x", dtype="int32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = keras.Model(
            x, L.Flatten(name="flat")(L.Embedding(9, 4, mask_zero=True, name="e")(x))
        )
    assert [call.path for call in read(model).calls] == ["e#0", "flat#0"]
