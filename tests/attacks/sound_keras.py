"""A small, sound .keras file written by hand, so that attacks on the reader need no Keras; and ways to change it."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

FEATURES, UNITS, TOKENS = 5, 4, 9
Json = dict[str, Any]


def layer(kind: str, name: str, **options: Any) -> Json:
    config = {"name": name, "trainable": True, "dtype": "float32", **options}
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}


def tensor(name: str, node: int = 0, index: int = 0) -> Json:
    history = {"shape": [None], "dtype": "float32", "keras_history": [name, node, index]}
    return {"class_name": "__keras_tensor__", "config": history}


def called(entry: Json, *inputs: Json, **kwargs: Any) -> Json:
    nodes = [{"args": list(inputs), "kwargs": kwargs}] if inputs else []
    return {**entry, "name": entry["config"]["name"], "inbound_nodes": nodes}


def given(name: str = "x", shape: Any = (None, None, FEATURES), dtype: str = "float32") -> Json:
    config = {"batch_shape": list(shape), "dtype": dtype, "sparse": False, "name": name}
    return called(
        {
            "module": "keras.layers",
            "class_name": "InputLayer",
            "config": config,
            "registered_name": None,
        }
    )


def functional(layers: list[Json], outputs: Any, inputs: Any = None) -> Json:
    config = {
        "name": "model",
        "trainable": True,
        "layers": layers,
        "input_layers": [["x", 0, 0]] if inputs is None else inputs,
        "output_layers": outputs,
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
    }


def sound() -> Json:
    """Return the configuration of x -> SimpleRNN(4) -> Dense(3)."""
    rnn = layer("SimpleRNN", "rnn", units=UNITS, activation="tanh", return_sequences=True)
    dense = layer("Dense", "dense", units=3, activation="linear")
    layers = [given(), called(rnn, tensor("x")), called(dense, tensor("rnn"))]
    return functional(layers, [["dense", 0, 0]])


def weights(file: h5py.File) -> None:
    """Write the weights of :func:`sound`."""
    rng = np.random.default_rng(0)
    places = {
        "layers/simple_rnn/cell": ((FEATURES, UNITS), (UNITS, UNITS), (UNITS,)),
        "layers/dense": ((UNITS, 3), (3,)),
    }
    for place, shapes in places.items():
        for index, shape in enumerate(shapes):
            file[f"{place}/vars/{index}"] = rng.normal(size=shape).astype("float32")


def hdf5(write: Callable[[h5py.File], None] = weights) -> bytes:
    """Return an HDF5 file as bytes."""
    raw = io.BytesIO()
    with h5py.File(raw, "w") as file:
        write(file)
    return raw.getvalue()


def archive(
    config: Json | bytes | None = None,
    data: bytes | None = None,
    *,
    compression: int = zipfile.ZIP_STORED,
    extra: dict[str, bytes] | None = None,
) -> bytes:
    """Return a ``.keras`` archive as bytes.

    Args:
        config: config.json; by default the sound one.
        data: model.weights.h5; by default the sound one.
        compression: of every member.
        extra: further members.
    """
    text = config if isinstance(config, bytes) else json.dumps(config or sound()).encode()
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", compression) as file:
        file.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        file.writestr("config.json", text)
        file.writestr("model.weights.h5", hdf5() if data is None else data)
        for name, value in (extra or {}).items():
            file.writestr(name, value)
    return raw.getvalue()


def changed(change: Callable[[Json], object]) -> bytes:
    """Return an archive whose configuration was changed in place."""
    config = copy.deepcopy(sound())
    change(config)
    return archive(config)


def rnn_changed(**options: Any) -> bytes:
    """Return an archive whose SimpleRNN has other options."""
    return changed(lambda config: config["config"]["layers"][1]["config"].update(options))


def data_changed(change: Callable[[h5py.File], object]) -> bytes:
    """Return an archive whose weights were changed."""

    def write(file: h5py.File) -> None:
        weights(file)
        change(file)

    return archive(data=hdf5(write))
