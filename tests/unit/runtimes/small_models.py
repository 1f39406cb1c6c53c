"""One small recurrent model in the three kinds that runtimes take, its loop, and how far a runtime may stray."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rnn_export.network import Draft, Network, Source, activation
from rnn_export.network.ops import Cell, Recurrent
from rnn_export.network.weight import ArrayWeight

BATCH, TIME, FEATURES, UNITS = (
    3,
    7,
    4,
    5,
)  # all different, so that no two axes can be taken for each other
FLOAT32_UNIT = 2.0**-24
TANH_ENVELOPE = 9 * FLOAT32_UNIT
"""The largest absolute error of any runtime's tanh that was measured: u * (6 * |tanh| + 3) with |tanh| <= 1."""


@dataclass(frozen=True)
class Weights:
    """Of h_t = tanh(x_t kernel + h_{t-1} recurrent + bias), float32: (features, units), (units, units), (units,)."""

    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray


def make_weights(features: int = FEATURES, units: int = UNITS) -> Weights:
    random = np.random.default_rng(7)

    def draw(*shape: int) -> np.ndarray:
        return random.uniform(-0.5, 0.5, shape).astype(np.float32)

    return Weights(draw(features, units), draw(units, units) / 2, draw(units))


def make_feeds(batch: int = BATCH, time: int = TIME) -> dict[str, np.ndarray]:
    """Return x (batch, time, features) and a non-zero initial state h0 (batch, units), float32."""
    random = np.random.default_rng(batch * 1000 + time)
    return {
        "x": random.standard_normal((batch, time, FEATURES)).astype(np.float32),
        "h0": random.uniform(-0.9, 0.9, (batch, UNITS)).astype(np.float32),
    }


def loop(weights: Weights, feeds: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the states (batch, time, units) in float64, and the farthest a float32 runtime may be from each.

    Every runtime sums n = features + units + 2 products and biases in float32 in some order: off by at most
    gamma_n * S, where S is the sum of their magnitudes (Higham). tanh does not enlarge that, adds its own
    envelope, and the error of the step before enters through |recurrent|.
    """
    kernel, recurrent, bias = (
        np.asarray(each, np.float64) for each in (weights.kernel, weights.recurrent, weights.bias)
    )
    x, state = (feeds[name].astype(np.float64) for name in ("x", "h0"))
    n = kernel.shape[0] + kernel.shape[1] + 2
    gamma = n * FLOAT32_UNIT / (1 - n * FLOAT32_UNIT)
    bound = np.zeros_like(state)
    states, bounds = [], []
    for step in range(x.shape[1]):
        at = x[:, step]
        sizes = (
            np.abs(at) @ np.abs(kernel) + (np.abs(state) + bound) @ np.abs(recurrent) + np.abs(bias)
        )
        bound = bound @ np.abs(recurrent) + gamma * sizes + TANH_ENVELOPE
        state = np.tanh(at @ kernel + state @ recurrent + bias)
        states.append(state)
        bounds.append(bound)
    return np.stack(states, axis=1), np.stack(bounds, axis=1)


def onnx_model(weights: Weights, *, layout: int = 0, hidden: str = "last") -> onnx.ModelProto:
    """Return a file's model: inputs x and h0, outputs "sequence" and ``hidden``, opset 17, batch and time free."""
    features, units = weights.kernel.shape

    def info(name: str, *shape: int | str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    doubled = np.concatenate([weights.bias, np.zeros_like(weights.bias)])
    initializers = {
        "W": weights.kernel.T[None],
        "R": weights.recurrent.T[None],
        "B": doubled[None],
        "zero": np.array([0]),
        "one": np.array([1]),
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["x_by_time"], perm=[1, 0, 2]),
        helper.make_node("Unsqueeze", ["h0", "zero"], ["h"]),
        helper.make_node(
            "RNN",
            ["x_by_time", "W", "R", "B", "", "h"],
            ["Y", "Y_h"],
            name="rnn",
            hidden_size=units,
            activations=["Tanh"],
            layout=layout,
        ),
        helper.make_node("Squeeze", ["Y", "one"], ["by_time"]),
        helper.make_node("Transpose", ["by_time"], ["sequence"], perm=[1, 0, 2]),
        helper.make_node("Squeeze", ["Y_h", "zero"], [hidden]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [info("x", "batch", "time", features), info("h0", "batch", units)],
        [info("sequence", "batch", "time", units), info(hidden, "batch", units)],
        [
            numpy_helper.from_array(np.ascontiguousarray(each), name)
            for name, each in initializers.items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def write_onnx(path: Path, model: onnx.ModelProto) -> Path:
    onnx.save(model, str(path))
    return path


def network(weights: Weights) -> Network:
    features, units = weights.kernel.shape
    draft = Draft()
    x = draft.input("x", ("batch", "time", features), "float32")
    h0 = draft.input("h0", ("batch", units), "float32")
    kernel, recurrent, bias = (
        ArrayWeight(each) for each in (weights.kernel, weights.recurrent, weights.bias)
    )
    cell = Cell("", kernel, recurrent, bias, activation("tanh"))
    sequence, last = draft.call("rnn", Recurrent((cell,), ("sequence", "state")), [x], initial=[h0])
    draft.output("rnn", sequence)
    draft.output("rnn", last)
    return draft.finish(Source("python", "small"))


WRITE_KERAS = """
import sys
import keras, numpy as np
arrays = np.load(sys.argv[1])
units = arrays["bias"].shape[0]
x = keras.Input((None, arrays["kernel"].shape[0]), name="x")
h0 = keras.Input((units,), name="h0")
layer = keras.layers.SimpleRNN(units, return_sequences=True, return_state=True, name="rnn")
model = keras.Model([x, h0], layer(x, initial_state=h0))
layer.set_weights([arrays["kernel"], arrays["recurrent"], arrays["bias"]])
for path in sys.argv[2:]:
    model.save(path)
"""


def write_keras(folder: Path, weights: Weights) -> Path:
    """Write small.keras and small.h5 by Keras itself (in another process: a test's must not hold a framework)."""
    arrays = folder / "arrays.npz"
    np.savez(arrays, kernel=weights.kernel, recurrent=weights.recurrent, bias=weights.bias)
    run_keras(WRITE_KERAS, arrays, folder / "small.keras", folder / "small.h5")
    return folder / "small.keras"


def run_keras(script: str, *arguments: Path) -> None:
    """Run a script with Keras, on the backend that is quickest to import."""
    backend = "numpy" if importlib.util.find_spec("scipy") else "tensorflow"
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
