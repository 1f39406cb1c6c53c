"""Keras on TensorFlow as its users call it: predict_on_batch, and tf.functions of the model, with XLA and without.

Source: keras.Model.predict_on_batch, tf.function
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_export.runtimes import keras, threads
from rnn_export.runtimes.contract import (
    Available,
    Feeds,
    KerasFile,
    Kind,
    Model,
    Options,
    Results,
    RunFacts,
    Session,
    Slot,
    Unavailable,
)


@dataclass(frozen=True)
class KerasCall:
    """Keras on TensorFlow in one way of calling it.

    Args:
        name: of the peer.
        prepare: tensorflow and a loaded model -> what is called with the model's inputs.
    """

    name: str
    prepare: Callable[[Any, Any], Callable[[Any], Any]]
    accepts: tuple[Kind, ...] = ("keras",)
    precisions: tuple[str, ...] = ("float32",)

    def probe(self) -> Available | Unavailable:
        return keras.tensorflow.probe()

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, KerasFile):
            raise TypeError(f"expected a KerasFile, got {model!r}")
        threads.check(self.name, options)
        product, tensorflow, loaded = load(model, options)
        version = f"{product.__version__} (tensorflow {tensorflow.__version__})"
        return KerasCallSession(self.name, version, loaded, self.prepare(tensorflow, loaded))


class KerasCallSession:
    """A loaded model, called in one way."""

    def __init__(self, name: str, version: str, model: Any, function: Callable[[Any], Any]) -> None:
        self._tree = importlib.import_module("keras").tree
        self._model = model
        self._call: Callable[[Any], Any] | None = function
        self.inputs, self.outputs = slots(model)
        self.facts = RunFacts(name, version, "float32", details={"device": "cpu"})

    def run(self, feeds: Feeds) -> Results:
        if self._call is None:
            raise RuntimeError("the session is closed")
        arrays = [feeds[slot.name] for slot in self.inputs]
        outputs = self._call(structured(self._model, arrays))
        flat = [np.asarray(each) for each in self._tree.flatten(outputs)]
        return {slot.name: array for slot, array in zip(self.outputs, flat, strict=True)}

    def close(self) -> None:
        self._call = self._model = None


def load(file: KerasFile, options: Options) -> tuple[Any, Any, Any]:
    """Return keras, tensorflow and the loaded model, with TensorFlow's threads set, which works once a process."""
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.config.threading.set_intra_op_parallelism_threads(options.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    product = importlib.import_module("keras")
    model = product.saving.load_model(file.path, compile=False, safe_mode=True)
    return product, tensorflow, model


def slots(model: Any) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
    """Return a model's inputs by name and its outputs by number, in its order; Keras checks their shapes itself."""
    inputs = tuple(Slot(tensor.name, tensor.dtype, None) for tensor in model.inputs)
    outputs = (
        Slot(f"output_{number}", each.dtype, None) for number, each in enumerate(model.outputs)
    )
    return inputs, tuple(outputs)


def structured(model: Any, arrays: list[np.ndarray]) -> Any:
    """Return flat inputs as the model takes them."""
    product = importlib.import_module("keras")
    if isinstance(model, product.Sequential):
        return arrays[0]
    return product.tree.pack_sequence_as(model.input, arrays)


def traced(tensorflow: Any, model: Any, jit: bool = False) -> Any:
    """Return the model as a tf.function, traced anew for each shape that it meets."""
    return tensorflow.function(lambda x: model(x, training=False), jit_compile=jit)


predict_on_batch = KerasCall("keras:predict_on_batch", lambda _, model: model.predict_on_batch)
function = KerasCall("keras:tf.function", traced)
compiled = KerasCall(
    "keras:tf.function-xla", lambda tensorflow, model: traced(tensorflow, model, jit=True)
)
