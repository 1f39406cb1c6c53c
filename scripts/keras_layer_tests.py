"""Run Keras' own tests of its recurrent layers, and export and verify every SimpleRNN-based call they make.

Prints how many calls there were, how many files were equal, refused and wrong; exits 1 if any was wrong.
Needs the extras `cpu`, `keras` and `dev`: `.venv/bin/python scripts/keras_layer_tests.py [-k EXPRESSION]`.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import pytest

import rnn_export
from rnn_export.errors import RnnExportError
from rnn_export.runtimes import connect

FILES = ("simple_rnn", "stacked_rnn_cells", "bidirectional", "rnn", "time_distributed")
OPTIONS = ("-q", "-p", "no:cacheprovider", "-W", "ignore", f"--config-file={os.devnull}")
RUNTIMES = ("keras:tensorflow", "onnxruntime:cpu")


class Recorder:
    """Keeps every outermost call of a SimpleRNN-based layer on actual numbers, and verifies it at once."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []
        self.connections = {name: connect(name) for name in RUNTIMES}
        self.test = ""
        self._inside = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Listen to `keras.Layer.__call__` for a while."""
        original = keras.Layer.__call__
        recorder = self

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if recorder._inside or not based_on_simple_rnn(layer):
                return original(layer, *args, **kwargs)
            recorder._inside = True
            try:
                made = original(layer, *args, **kwargs)
                if args and concrete((args, kwargs)):
                    recorder.verify(layer, args, kwargs)
                return made
            finally:
                recorder._inside = False

        keras.Layer.__call__ = call
        try:
            yield
        finally:
            keras.Layer.__call__ = original

    def verify(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Make a model of the call, export it, and hold it against Keras."""
        self.counts["calls"] += 1
        try:
            report = rnn_export.verify(
                model_of(layer, args, kwargs), runtimes=RUNTIMES, connections=self.connections
            )
        except RnnExportError as error:
            self.counts["refused"] += 1
            self.lines.append(f"refused  {self.test}: {error}")
            return
        words = {str(case.verdict.outcome) for case in report.cases}
        if report.exit_code == 0:
            self.counts["equal"] += 1
        else:
            self.counts["wrong"] += 1
            self.lines.append(f"WRONG    {self.test}: {layer.get_config()} {sorted(words)}")
            self.lines += [
                f"         {c.runtime}: {c.verdict}" for c in report.cases if c.verdict.reason
            ]

    def pytest_runtest_setup(self, item: Any) -> None:
        """Remember which test is running."""
        self.test = item.nodeid.rpartition("/")[2]


def based_on_simple_rnn(layer: Any) -> bool:
    """Tell whether a layer runs SimpleRNN cells and nothing else over time."""
    if isinstance(layer, keras.layers.Bidirectional):
        return based_on_simple_rnn(layer.forward_layer) or based_on_simple_rnn(layer.backward_layer)
    if isinstance(layer, keras.layers.TimeDistributed):
        return based_on_simple_rnn(layer.layer)
    if isinstance(layer, keras.layers.RNN):
        cells = getattr(layer.cell, "cells", [layer.cell])
        return all(isinstance(cell, keras.layers.SimpleRNNCell) for cell in cells)
    return False


def concrete(values: Any) -> bool:
    """Tell whether every tensor among the arguments holds numbers: Keras' and TensorFlow's symbols do not."""
    tensors = [value for value in keras.tree.flatten(values) if hasattr(value, "shape")]
    return all(isinstance(value, np.ndarray) or hasattr(value, "numpy") for value in tensors)


def model_of(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return a functional model that calls the layer as the test did: arrays become inputs of their shape."""
    names = ("sequences", "initial_state", "mask")
    given = dict(zip(names, args[:1], strict=False)) | {
        key: value for key, value in kwargs.items() if key in names and value is not None
    }
    cell = getattr(layer, "layer", layer)
    fixed = getattr(layer, "stateful", False) or getattr(layer, "unroll", False)
    fixed = (
        fixed or isinstance(layer, keras.layers.TimeDistributed) or getattr(cell, "unroll", False)
    )
    inputs: list[Any] = []

    def symbol(value: Any) -> Any:
        array = np.asarray(value)
        kind = "bool" if array.dtype == bool else "float32"
        shape = list(array.shape)
        if not fixed:
            shape[0] = None
            if array.ndim == 3 or kind == "bool":
                shape[1] = None
        inputs.append(keras.Input(batch_shape=shape, dtype=kind, name=f"given_{len(inputs)}"))
        return inputs[-1]

    symbols = keras.tree.map_structure(symbol, given)
    made = layer(symbols.pop("sequences"), **symbols)
    return keras.Model(inputs, made, name="call")


def main() -> int:
    """Run the tests and print the figures."""
    folder = Path(keras.__path__[0]) / "src" / "layers" / "rnn"
    files = [str(folder / f"{name}_test.py") for name in FILES]
    recorder = Recorder()
    with recorder.installed():
        code = pytest.main(
            [
                "-q",
                "-p",
                "no:cacheprovider",
                "-W",
                "ignore",
                "--rootdir",
                str(folder),
                "-c",
                os.devnull,
                *files,
                *sys.argv[1:],
            ],
            plugins=[recorder],
        )
    for connection in recorder.connections.values():
        connection.close()
    print("\n".join(recorder.lines))
    figures = ", ".join(
        f"{recorder.counts[name]} {name}" for name in ("calls", "equal", "refused", "wrong")
    )
    print(f"Keras {keras.__version__}'s own layer tests: {figures}; pytest exit code {int(code)}")
    return 1 if recorder.counts["wrong"] or not recorder.counts["calls"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
