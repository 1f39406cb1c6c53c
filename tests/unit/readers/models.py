"""Small Keras models for the readers' tests, in float64, with weights that are not zero, and what to feed them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from rnn_export.network import Network
from rnn_export.readers import read
from tests.property.keras_building import set_weights
from tests.property.keras_comparing import agree, quietly

BATCH, TIME, FEATURES, TOKENS = 3, 7, 5, 9
L = keras.layers
F64 = {"dtype": "float64"}


def sequence(name: str = "x", time: int | None = None, features: int = FEATURES) -> Any:
    return keras.Input((time, features), name=name, dtype="float64")


def masked(tensor: Any) -> Any:
    return L.Masking(**F64)(tensor)


def rnn(units: int = 4, **options: Any) -> Any:
    return L.SimpleRNN(units, **{"return_sequences": True, **F64, **options})


def dense(units: int = 4, **options: Any) -> Any:
    return L.Dense(units, **{**F64, **options})


def model(inputs: Any, outputs: Any, seed: int = 7, **options: Any) -> Any:
    made = keras.Model(inputs, outputs, **options)
    set_weights(made, seed)
    return made


def fed(made: Any, time: int = TIME) -> dict[str, np.ndarray]:
    """Return numbers for every input: padded on the right, on the left, inside and fully, where it is a sequence."""
    rng = np.random.default_rng(3)
    found = {}
    for tensor in made.inputs:
        sizes = tuple(tensor.shape)
        shape = tuple(size or (BATCH if axis == 0 else time) for axis, size in enumerate(sizes))
        dtype = keras.backend.standardize_dtype(tensor.dtype)
        tokens = "int" in dtype or (len(shape) == 2 and sizes[1] is None)
        values: np.ndarray = rng.normal(size=shape)
        if tokens:
            values = rng.integers(1, TOKENS, shape)
        if dtype == "bool":
            values = rng.random(shape) < 0.6
        if len(shape) == 3 or tokens:
            values[0, shape[1] // 2 :] = 0
            values[1, :1] = 0
            values[1, 2:3] = 0
            values[2] = 0
        found[tensor.name] = values.astype(dtype)
    return found


def agrees(made: Any, folder: Path, time: int = TIME) -> Network:
    """Save the model, read it, assert that it computes what Keras computes, and return what was read."""
    path = folder / "model.keras"
    made.save(path)
    network = read(path)
    assert quietly(read, made).digest == network.digest
    agree(network, made, fed(made, time))
    return network
