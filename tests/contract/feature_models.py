"""A Keras model for each feature of SimpleRNN: what peers' own tests try, what their users reported, and the rest.

scripts/feature_table.py gives them to this package and to its peers; test_features.py holds this one's part.

Source: the models that onnx/keras-onnx and onnx/tensorflow-onnx test (SimpleRNN, Bidirectional, Masking, state
passing, dynamic batch), and the issues named beside a feature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np

from rnn_export.network.dtypes import numpy_dtype
from tests.property.keras_building import set_weights

BATCH, TIME, FEATURES, TOKENS = 4, 6, 5, 9
L = keras.layers
Make = Callable[[], Any]
Part = Callable[[], Any]


@dataclass(frozen=True)
class Feature:
    """One row of the table.

    Args:
        group: of rows.
        make: the model.
        twin: for a model that keeps its state between calls: one that does not, with the same weights in the
            same order; on the whole sequence it is to give what the other gives on two halves of it.
    """

    group: str
    make: Make
    twin: Make | None = None


def sequence(
    name: str = "x", time: int | None = None, features: int = FEATURES, **more: Any
) -> Any:
    return keras.Input((time, features), name=name, **more)


def rnn(units: int = 3, **options: Any) -> Any:
    return L.SimpleRNN(units, **{"return_sequences": True, **options})


def both(mode: str | None = "concat", **options: Any) -> Any:
    return L.Bidirectional(rnn(**options), merge_mode=mode)


def model(inputs: Any, outputs: Any) -> Any:
    made = keras.Model(inputs, outputs, name="model")
    set_weights(made, 7)
    return made


def line(*parts: Part, time: int | None = None, features: int = FEATURES, **more: Any) -> Make:
    """Return a maker of a model in which layers follow one another."""

    def make() -> Any:
        x = y = sequence(time=time, features=features, **more)
        for part in parts:
            y = part()(y)
        return model(x, y)

    return make


def masked(*parts: Part, value: float = 0.0) -> Make:
    return line(lambda: L.Masking(value), *parts)


def tokens(*parts: Part, mask: bool = False, dtype: str = "int32") -> Make:
    def make() -> Any:
        x = keras.Input((None,), name="tokens", dtype=dtype)
        y = L.Embedding(TOKENS, FEATURES, mask_zero=mask)(x)
        for part in parts:
            y = part()(y)
        return model(x, y)

    return make


def from_state(**options: Any) -> Make:
    def make() -> Any:
        x, h = sequence(time=options.get("time"), features=2), keras.Input((3,), name="h")
        y = rnn(activation="relu", return_state=True)(x, initial_state=[h])
        return model([x, h], [L.Dense(2, activation="sigmoid")(y[0]), y[1]])

    return make


def handed_on(wrap: bool = False, masks: bool = False) -> Make:
    """Return an encoder whose state another layer begins with."""

    def make() -> Any:
        x, y = sequence(), sequence("y")
        first = rnn(return_sequences=False, return_state=True)
        start = L.Masking()(x) if masks else x
        if wrap:
            states = L.Bidirectional(first)(start)[1:]
            return model([x, y], both()(y, initial_state=states))
        return model([x, y], rnn()(y, initial_state=first(start)[1:]))

    return make


def mask_as_input() -> Any:
    x, mask = sequence(), keras.Input((None,), name="mask", dtype="bool")
    return model([x, mask], rnn(return_state=True)(x, mask=mask))


def stacked(*, as_list: bool = False) -> Any:
    cells: Any = [L.SimpleRNNCell(4), L.SimpleRNNCell(3)]
    return L.RNN(
        cells if as_list else L.StackedRNNCells(cells), return_sequences=True, return_state=True
    )


def own_backward() -> Any:
    backward = rnn(3, activation="relu", go_backwards=True)
    return L.Bidirectional(rnn(), backward_layer=backward)


def keeping(stateful: bool, *parts: Callable[[bool], Any]) -> Make:
    def make() -> Any:
        x = y = keras.Input(batch_shape=(BATCH, None, FEATURES), name="x")
        for part in parts:
            y = part(stateful)(y)
        return model(x, y)

    return make


def stateful(*parts: Callable[[bool], Any]) -> Feature:
    return Feature("state", keeping(True, *parts), keeping(False, *parts))


def in_dtype(policy: str) -> Make:
    # Keras on TensorFlow has no orthogonal matrices in bfloat16.
    more: dict[str, Any] = {"dtype": policy, "recurrent_initializer": "glorot_uniform"}
    return line(lambda: rnn(**more), lambda: rnn(4, **more), dtype=policy.removeprefix("mixed_"))


def one_layer_twice() -> Any:
    x, y, layer = sequence(), sequence("y"), rnn()
    return model([x, y], [layer(x), layer(y)])


def model_in_a_model() -> Any:
    inner = keras.Sequential([keras.Input((None, FEATURES)), rnn(), rnn(4)], name="inner")
    x = sequence()
    return model(x, L.Dense(2)(inner(x)))


def built_by_a_call() -> Any:
    made = keras.Sequential([rnn(), rnn(return_sequences=False)], name="model")
    made(keras.ops.zeros((BATCH, TIME, FEATURES)))
    set_weights(made, 7)
    return made


def activated(name: str) -> Make:
    return line(lambda: rnn(activation=name), lambda: rnn(4, activation=name))


LAYER, DIRECTION, MASK, STATE, CELL, ACTIVATION, DTYPE, AROUND = (
    *("layer", "direction", "mask", "state", "cells", "activation", "dtype", "around it"),
)
last: dict[str, Any] = {"return_sequences": False}

FEATURES_OF_RNN: dict[str, Feature] = {
    "last output": Feature(LAYER, line(lambda: rnn(**last))),
    "return_sequences": Feature(LAYER, line(rnn)),
    "three stacked": Feature(LAYER, line(lambda: rnn(6), lambda: rnn(4), lambda: rnn(**last))),
    "one feature, three steps": Feature(LAYER, line(rnn, time=3, features=1)),
    "use_bias=False": Feature(LAYER, line(lambda: rnn(use_bias=False))),
    "unroll=True": Feature(
        LAYER, line(lambda: rnn(unroll=True), lambda: rnn(4, unroll=True), time=TIME)
    ),
    "dropout, regularizers": Feature(
        LAYER, line(lambda: rnn(dropout=0.2, recurrent_dropout=0.2, kernel_regularizer="l2"))
    ),
    "go_backwards": Feature(DIRECTION, line(lambda: rnn(go_backwards=True, **last))),
    "go_backwards, return_sequences (onnx/keras-onnx 523)": Feature(
        DIRECTION, line(lambda: rnn(go_backwards=True))
    ),
    **{
        f"Bidirectional, merge_mode={mode}": Feature(DIRECTION, line(partial(both, mode)))
        for mode in ("concat", "sum", "mul", "ave", None)
    },
    **{
        f"Bidirectional, merge_mode={mode}, last output": Feature(
            DIRECTION, line(partial(both, mode, **last))
        )
        for mode in ("concat", "sum", "ave")
    },
    "Bidirectional, backward_layer": Feature(DIRECTION, line(own_backward)),
    "Bidirectional, return_state": Feature(DIRECTION, line(lambda: both(return_state=True))),
    "Bidirectional, states handed on": Feature(DIRECTION, handed_on(wrap=True)),
    "Embedding, Bidirectional, tokens as floats": Feature(
        DIRECTION, tokens(both, lambda: L.Dense(2), dtype="float32")
    ),
    "Masking": Feature(MASK, masked(rnn)),
    "Masking, last output (onnx/keras-onnx 386)": Feature(MASK, masked(lambda: rnn(**last))),
    "Masking(5.0)": Feature(MASK, masked(rnn, value=5.0)),
    "Embedding(mask_zero) (onnx/tensorflow-onnx 1871)": Feature(MASK, tokens(rnn, mask=True)),
    "mask as an input": Feature(MASK, mask_as_input),
    "mask as an input, NaN at masked steps": Feature(MASK, mask_as_input),
    "mask through a stack": Feature(
        MASK, masked(lambda: rnn(4), lambda: L.Dense(3), lambda: L.Dropout(0.1), rnn)
    ),
    "mask, go_backwards": Feature(MASK, masked(lambda: rnn(go_backwards=True))),
    "mask, Bidirectional (onnx/keras-onnx 400)": Feature(MASK, masked(both)),
    "mask, Bidirectional, last output": Feature(MASK, masked(lambda: both(**last))),
    "mask, state handed on": Feature(MASK, handed_on(masks=True)),
    "mask, zero_output_for_mask": Feature(MASK, masked(lambda: rnn(zero_output_for_mask=True))),
    "mask, GlobalAveragePooling1D": Feature(MASK, masked(rnn, L.GlobalAveragePooling1D)),
    "initial_state from an input (onnx/keras-onnx 46)": Feature(STATE, from_state()),
    "initial_state, one step": Feature(STATE, from_state(time=1)),
    "return_state (onnx/keras-onnx 49)": Feature(STATE, line(lambda: rnn(return_state=True))),
    "state handed on": Feature(STATE, handed_on()),
    "stateful (onnx/keras-onnx 620, 676)": stateful(lambda keep: rnn(stateful=keep)),
    "stateful, two layers": stateful(
        lambda keep: rnn(stateful=keep), lambda keep: rnn(4, stateful=keep)
    ),
    "RNN(SimpleRNNCell) (onnx/keras-onnx 115)": Feature(
        CELL, line(lambda: L.RNN(L.SimpleRNNCell(3, activation="relu")), lambda: L.Dense(2))
    ),
    "StackedRNNCells": Feature(CELL, line(stacked)),
    "RNN of a list of cells": Feature(CELL, line(lambda: stacked(as_list=True))),
    **{
        name: Feature(ACTIVATION, activated(name))
        for name in (
            *("relu", "sigmoid", "linear", "elu", "leaky_relu", "hard_sigmoid", "softsign"),
            *("softplus", "selu", "relu6", "hard_tanh", "log_sigmoid", "gelu", "silu", "mish"),
            *("exponential", "softmax", "sparsemax", "squareplus"),
        )
    },
    "LeakyReLU(0.1) as activation=": Feature(
        ACTIVATION, line(lambda: rnn(activation=L.LeakyReLU(0.1)))
    ),
    **{
        policy: Feature(DTYPE, in_dtype(policy))
        for policy in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
    },
    "Sequential, built by a call": Feature(AROUND, built_by_a_call),
    "TimeDistributed(Dense)": Feature(AROUND, line(rnn, lambda: L.TimeDistributed(L.Dense(2)))),
    "one layer called twice": Feature(AROUND, one_layer_twice),
    "a model in a model": Feature(AROUND, model_in_a_model),
    "LayerNormalization, BatchNormalization": Feature(
        AROUND, line(rnn, L.LayerNormalization, L.BatchNormalization, lambda: rnn(4))
    ),
    "Flatten": Feature(AROUND, line(rnn, L.Flatten, lambda: L.Dense(2), time=TIME)),
    "RepeatVector": Feature(AROUND, line(lambda: rnn(**last), lambda: L.RepeatVector(7), rnn)),
}
"""The rows, in order."""


def fed(model: Any, name: str) -> dict[str, np.ndarray]:
    """Return numbers for every input of a feature's model, some steps masked in each way and one row wholly."""
    rng = np.random.default_rng(3)
    padding = 5.0 if "5.0" in name else 0.0
    found: dict[str, np.ndarray] = {}
    for tensor in model.inputs:
        sizes = [size or (TIME, BATCH)[axis == 0] for axis, size in enumerate(tensor.shape)]
        values: np.ndarray = rng.normal(size=sizes)
        if tensor.name == "tokens":
            values = rng.integers(1, TOKENS, sizes)
        if tensor.dtype == "bool":
            values = np.ones(sizes)
        if len(sizes) > 1 and sizes[1] > 3 and FEATURES_OF_RNN[name].group == MASK:
            values[0, 3:] = values[1, :2] = values[2, 1:3] = values[3] = padding
        found[tensor.name] = values.astype(numpy_dtype(tensor.dtype))
    if "NaN" in name:
        found["x"][~found["mask"]] = np.nan
    return found
