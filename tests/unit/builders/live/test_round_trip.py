"""A network, the .keras file that Keras writes of its live model, and the network read from that: one digest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from rnn_export import presets
from rnn_export.builders import keras_model, save_keras, sequential, simple_rnn, stacked
from rnn_export.builders.reference import run
from rnn_export.network import Network
from rnn_export.readers import read

RNN: dict[str, Any] = {"class": "SimpleRNN", "units": 5, "bias_initializer": "uniform"}
SEQUENCES = RNN | {"return_sequences": True}
TOKENS = {"class": "Embedding", "input_dim": 11, "output_dim": 3, "mask_zero": True}
SHAPE = {"shape": ["time", 3]}


def stack(*layers: dict[str, Any], input: dict[str, Any] | None = SHAPE, **options: Any) -> Network:
    return sequential(list(layers), input=input, **options)


DESCRIBED = {
    "one layer": simple_rnn(4, 3, bias_initializer="uniform"),
    "three layers": stacked([5, 4, 6], 3),
    "all states": stacked([5, 4], 3, return_sequences=True, return_state=True),
    "two directions": stacked([5, 4], 3, bidirectional="concat", return_sequences=True),
    "two directions with states": simple_rnn(4, 3, bidirectional="sum", return_state=True),
    "products of directions": simple_rnn(4, 3, bidirectional="mul", dtype="float64"),
    "masked tokens": stacked([5, 4], 3, input_dim=11, mask_zero=True),
    "masked tokens in both directions": stacked(
        [5, 4], 3, input_dim=11, mask_zero=True, bidirectional="ave"
    ),
    "backwards": simple_rnn(4, 3, go_backwards=True, return_sequences=True),
    "no bias": simple_rnn(4, 3, use_bias=False, activation="relu"),
    "unrolled": stacked([5, 4], 3, time=7, unroll=True, dropout=0.3, recurrent_dropout=0.2),
    "float64": stacked([5, 4], 3, dtype="float64"),
    "float16": stacked([5, 4], 3, dtype="float16"),
    "bfloat16": stacked([5, 4], 3, dtype="bfloat16"),
    "mixed_float16": stacked([5, 4], 3, dtype="mixed_float16"),
    "mixed_bfloat16": stacked([5, 4], 3, dtype="mixed_bfloat16", input_dim=11, mask_zero=True),
    "a fixed batch": stack(RNN, input={"shape": [7, 3], "batch": 2, "name": "x"}),
    "a cell": stack({"class": "RNN", "cell": {"units": 5, "name": "own"}}),
    "three cells": stack(
        {
            "class": "RNN",
            "cell": [{"units": 5}, {"units": 4, "activation": "relu"}, {"units": 6, "name": "top"}],
            "zero_output_for_mask": True,
            "return_sequences": True,
        },
        RNN,
    ),
    "its own backward layer": stack(
        {
            "class": "Bidirectional",
            "layer": SEQUENCES | {"name": "ahead"},
            "backward_layer": SEQUENCES
            | {"name": "behind", "activation": "relu", "go_backwards": True},
        }
    ),
    "masking": stack({"class": "Masking", "mask_value": 0.25}, SEQUENCES, RNN),
    "dense and activations": stack(
        SEQUENCES,
        {"class": "Dense", "units": 4, "activation": {"class": "LeakyReLU", "negative_slope": 0.1}},
        {"class": "Activation", "activation": "selu"},
        RNN | {"activation": {"class": "ELU", "alpha": 0.5}},
        {
            "class": "Activation",
            "activation": {"class": "ReLU", "max_value": 2.0, "threshold": 0.1},
        },
        {"class": "Dense", "units": 2, "activation": "softmax", "use_bias": False},
    ),
    "what vanishes": stack(
        {"class": "GaussianNoise", "stddev": 0.1},
        SEQUENCES,
        {"class": "Dropout", "rate": 0.4, "seed": 1},
        {"class": "SpatialDropout1D", "rate": 0.4},
        {"class": "Bidirectional", "layer": RNN},
        {"class": "GaussianDropout", "rate": 0.4},
        {"class": "Dropout", "rate": 0.2, "name": "last"},
    ),
    "what vanishes in float16": stack(
        SEQUENCES, {"class": "Dropout", "rate": 0.4}, RNN, dtype="mixed_float16"
    ),
    "regularized": stack(
        RNN
        | {
            "kernel_regularizer": "l2",
            "bias_constraint": "non_neg",
            "recurrent_regularizer": {"class_name": "L1", "config": {"l1": 0.5}},
            "seed": 3,
        }
    ),
    "an Input layer": stack(
        {"class": "Input", "shape": [None, 3], "name": "x", "dtype": "float64"}, RNN, input=None
    ),
}
NETWORKS = {name: presets.network(name) for name in presets.names()} | DESCRIBED
ALL = list(NETWORKS)


def feeds(network: Network, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}
    for port in network.inputs:
        spec = network.spec(port.tensor)
        sizes = {"batch": 2, "time": 7}
        shape = [size if isinstance(size, int) else sizes[size] for size in spec.shape]
        if spec.dtype == "int32":
            made[port.name] = rng.integers(0, 11, shape).astype(np.int32)
        else:
            made[port.name] = np.round(rng.uniform(-1, 1, shape) * 8) / 8
    return made


@pytest.mark.parametrize("name", ALL)
def test_the_saved_file_is_read_as_the_same_network(name: str, tmp_path: Path) -> None:
    network = NETWORKS[name]
    save_keras(network, tmp_path / "model.keras")
    again = read(tmp_path / "model.keras")
    assert again.digest == network.digest
    # A model made from what was read gives the same once more: readers leave what builders need.
    save_keras(again, tmp_path / "again.keras")
    assert read(tmp_path / "again.keras").digest == network.digest


@pytest.mark.parametrize("name", ALL)
def test_the_live_model_is_read_as_the_same_network(name: str) -> None:
    assert read(keras_model(NETWORKS[name])).digest == NETWORKS[name].digest


UNITS = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


@pytest.mark.parametrize("name", ALL)
def test_the_live_model_computes_what_the_reference_computes(name: str) -> None:
    network = NETWORKS[name]
    fed = feeds(network)
    given = {key: keras.ops.convert_to_tensor(value) for key, value in fed.items()}
    model = keras_model(network)
    live = keras.tree.flatten(model(given if len(given) > 1 else next(iter(given.values()))))
    got = run(network, fed, np.float64)
    # One bound for all, in the widest rounding that occurs: those of n terms in each step of each call walk
    # at random, with states and slopes about 1. The golden tests are tighter; a lost layer, weight or mask is
    # far outside of it.
    unit = max(UNITS[call.dtype] for call in network.calls if call.dtype in UNITS)
    terms = max(weight.shape[0] for _, weight in network.weights() if weight.shape[0] < 1000)
    steps = max([value.shape[1] for value in fed.values() if value.ndim > 1])
    bound = 2 * unit * np.sqrt(terms * steps * len(network.calls))
    assert len(got) == len(live)
    for ours, theirs in zip(got.values(), live, strict=True):
        values = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(theirs, "float64")))
        assert values.shape == ours.shape
        assert np.abs(values - ours).max() <= bound * max(1.0, float(np.abs(ours).max()))


@pytest.mark.parametrize("name", presets.names())
def test_layer_names_and_port_names_are_the_networks(name: str) -> None:
    network = presets.network(name)
    model = keras_model(network)
    layers = [layer.name for layer in model.layers if type(layer).__name__ != "InputLayer"]
    assert layers == [call.layer for call in network.calls]
    assert [tensor.name for tensor in model.inputs] == [port.name for port in network.inputs]
    kind = dict(network.source.facts)["class"]
    assert type(model).__name__ == kind
    assert model.count_params() == network.parameters


def test_hints_come_back() -> None:
    every = keras_model(presets.network("every-option")).layers[-1]
    assert type(every).__name__ == "SimpleRNN"
    assert (every.dropout, every.recurrent_dropout) == (0.3, 0.2)
    assert type(every.kernel_regularizer).__name__ == "L1"
    assert type(every.recurrent_regularizer).__name__ == "L2"
    assert type(every.bias_regularizer).__name__ == "L1L2"
    # Keras 3.15 takes this one of SimpleRNN and forgets it.
    assert every.activity_regularizer is None
    assert type(every.kernel_initializer).__name__ == "HeUniform"
    for layer in keras_model(presets.network("dropout-unrolled-stack")).layers:
        assert layer.unroll
        assert layer.dropout == 0.5
    by_time = keras_model(presets.network("cell-stack2-by-time")).layers[0]
    assert type(by_time.cell).__name__ == "StackedRNNCells"
    assert [cell.name for cell in by_time.cell.cells] == ["cell0", "cell1"]
    by_layer = keras_model(presets.network("cell-stack2-by-layer")).layers
    assert [type(layer).__name__ for layer in by_layer] == ["RNN", "RNN"]
    assert [layer.cell.name for layer in by_layer] == ["cell0", "cell1"]


def test_layers_that_vanish_come_back_in_their_places() -> None:
    names = [type(layer).__name__ for layer in keras_model(DESCRIBED["what vanishes"]).layers]
    assert names == [
        "GaussianNoise",
        "SimpleRNN",
        "Dropout",
        "SpatialDropout1D",
        "Bidirectional",
        "GaussianDropout",
        "Dropout",
    ]


def test_what_only_matters_in_training_does_not_change_inference() -> None:
    network = presets.network("every-option")
    (call,) = network.calls
    plain = keras_model(network).layers[-1].get_config()
    bare = {
        key: plain[key]
        for key in ("units", "activation", "use_bias", "return_sequences", "return_state")
    }
    inputs = keras.Input((None, 8), name="inputs")
    layer = keras.layers.SimpleRNN(**bare, name="simple_rnn")
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([weight.read() for _, weight in network.weights()])
    x = np.random.default_rng(0).normal(size=(4, 6, 8)).astype(np.float32)
    options = keras_model(network)
    for one, two in zip(options.predict(x, verbose=0), model.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(one, two)
    # In training they do matter.
    trained = options({"inputs": x}, training=True)[0]
    assert np.abs(trained - options.predict(x, verbose=0)[0]).max() > 0.1
    assert read(model).digest == network.digest
    assert call.hints
