"""Keras itself on each of its backends, running the original file: the leg that all others are held against.

A stateful layer's state goes in and comes out with every run, as "<layer>/h_in" and "<layer>/h_out": what Keras
keeps from call to call is thereby told to whoever calls.

Everything runs on the CPU, whatever else the machine has: an accelerator's TF32 or reordering would make the
yardstick itself depend on the machine.

Source: keras.saving.load_model, keras.Model.__call__ (Keras 3.15)
"""

from __future__ import annotations

import contextlib
import importlib
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_export.runtimes import threads
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
from rnn_export.runtimes.failures import Refused
from rnn_export.runtimes.keras_states import states


@dataclass(frozen=True)
class KerasRuntime:
    """Keras on one backend; a process can hold only one, chosen before Keras is imported."""

    backend: str
    install: str
    accepts: tuple[Kind, ...] = ("keras",)
    precisions: tuple[str, ...] = ("float32",)

    @property
    def name(self) -> str:
        return f"keras:{self.backend}"

    def probe(self) -> Available | Unavailable:
        _prepare(self.backend)
        try:
            backend = importlib.import_module(self.backend)
            product = importlib.import_module("keras")
        except ImportError as error:
            return Unavailable(str(error), self.install)
        return Available(product.__version__, {self.backend: backend.__version__, "device": "cpu"})

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, KerasFile):
            raise TypeError(f"expected a KerasFile, got {model!r}")
        threads.check(self.name, options)
        backend = importlib.import_module(self.backend)
        _limit_threads(self.backend, backend, options.threads)
        product = importlib.import_module("keras")
        loaded = product.saving.load_model(model.path, compile=False, safe_mode=True)
        version = f"{product.__version__} ({self.backend} {backend.__version__})"
        return KerasSession(self.name, version, loaded)


class KerasSession:
    """A loaded model, called as ``model(inputs, training=False)``."""

    def __init__(self, name: str, version: str, model: Any) -> None:
        self._keras = importlib.import_module("keras")
        self._model = model
        self._name = name
        if not hasattr(model, "inputs") or not hasattr(model, "outputs"):
            raise Refused(
                f"runtime {name}",
                expected="a built Sequential or functional model",
                got=f"{type(model).__name__} without inputs and outputs",
                advice="Call or build it before saving.",
            )
        self.model_inputs = _slots(model.inputs, [tensor.name for tensor in model.inputs], ())
        # Where a tensor came from is the only place that names a Sequential's output; Functional.output_names
        # is made from the same.
        origins = [tensor._keras_history.operation.name for tensor in model.outputs]
        self.model_outputs = _slots(model.outputs, origins, self.model_inputs)
        self._states = tuple(states(model))
        self.inputs = (*self.model_inputs, *(state.slot_in for state in self._states))
        self.outputs = (*self.model_outputs, *(state.slot_out for state in self._states))
        self.facts = RunFacts(name, version, "float32", details={"device": "cpu"})

    def run(self, feeds: Feeds) -> Results:
        for state in self._states:
            state.set(feeds)
        arrays = [self._cast(slot, feeds[slot.name]) for slot in self.model_inputs]
        rows = {array.shape[0] for array in arrays if array.ndim}
        if len(rows) > 1:
            # Keras would repeat a single row (of a state, say) for the whole batch.
            raise Refused(
                f"runtime {self._name}", expected="inputs of one batch size", got=str(sorted(rows))
            )
        with _inference(self._name):
            outputs = self._model(self._structured(arrays), training=False)
            flat = [
                self._keras.ops.convert_to_numpy(tensor)
                for tensor in self._keras.tree.flatten(outputs)
            ]
            flat += [state.value(self._keras) for state in self._states]
        return {
            slot.name: np.asarray(array) for slot, array in zip(self.outputs, flat, strict=True)
        }

    def close(self) -> None:
        # Not clear_session(): it would reset the state that other open sessions of this worker share.
        self._model = None

    def _structured(self, arrays: list[np.ndarray]) -> Any:
        if isinstance(self._model, self._keras.Sequential):
            return arrays[0]
        return self._keras.tree.pack_sequence_as(self._model.input, arrays)

    def _cast(self, slot: Slot, array: np.ndarray) -> np.ndarray:
        """Convert as Keras would (a Sequential built by calling it takes tokens as float32), but never lossily."""
        subject = f"runtime {self._name}: input {slot.name!r}"
        if slot.shape is not None and len(slot.shape) != array.ndim:
            # Keras would squeeze or expand a last axis of 1. Sizes are left to Keras: a shape that was stored
            # by calling the model does not bind it.
            raise Refused(subject, expected=f"{len(slot.shape)} axes", got=f"shape {array.shape}")
        if slot.dtype is None or array.dtype.name == slot.dtype:
            return array
        dtype = self._keras.ops.convert_to_numpy(self._keras.ops.zeros((), slot.dtype)).dtype
        with np.errstate(all="ignore"):
            cast = array.astype(dtype)
        if not np.array_equal(cast.astype(array.dtype), array):
            raise Refused(
                subject,
                expected=f"values that {slot.dtype} holds",
                got=f"{array.dtype.name} that it rounds",
            )
        return cast


def _slots(tensors: list[Any], names: list[str], others: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """Return one slot per tensor, its name numbered where another slot has it, as a network names its ports."""
    taken = {slot.name for slot in others}
    slots = []
    for tensor, name in zip(tensors, names, strict=True):
        unique, number = name, 0
        while unique in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique)
        slots.append(Slot(unique, tensor.dtype, tuple(tensor.shape)))
    return tuple(slots)


def _prepare(backend: str) -> None:
    """Set what Keras and its backends read once, on import."""
    os.environ["KERAS_BACKEND"] = backend
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["JAX_PLATFORMS"] = "cpu"
    # Without it JAX makes int64 tokens int32. (float64 models are Keras' own affair: only on TensorFlow does it
    # compute them in float64; on JAX it refuses to, on NumPy and torch it goes through float32.)
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ["NPROC"] = os.environ.get(threads.VARIABLE, "1")  # XLA's thread pool on the CPU
    # oneDNN may otherwise be told, by an administrator's setting, to multiply in bfloat16.
    os.environ["ONEDNN_DEFAULT_FPMATH_MODE"] = "STRICT"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _limit_threads(name: str, backend: Any, count: int) -> None:
    if name == "tensorflow":
        backend.config.threading.set_intra_op_parallelism_threads(count)
        backend.config.threading.set_inter_op_parallelism_threads(1)
    elif name == "torch":
        backend.set_num_threads(count)


def _inference(name: str) -> contextlib.AbstractContextManager[Any]:
    if name == "keras:torch":
        guard: contextlib.AbstractContextManager[Any] = importlib.import_module("torch").no_grad()
        return guard
    return contextlib.nullcontext()


tensorflow = KerasRuntime("tensorflow", "pip install 'rnn-export[keras]'")
# Keras' NumPy backend borrows its FFT from JAX, and imports all of it.
numpy = KerasRuntime("numpy", "pip install keras 'rnn-export[jax]'")
jax = KerasRuntime("jax", "pip install keras 'rnn-export[jax]'")
torch = KerasRuntime("torch", "pip install keras 'rnn-export[torch]'")
