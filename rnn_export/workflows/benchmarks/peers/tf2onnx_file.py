"""tf2onnx on onnxruntime: the file that it makes of a model's tf.function, which is its way that works with Keras 3.

Source: tf2onnx.convert.from_function (its from_keras raises KeyError on a Keras 3 Sequential)
"""

from __future__ import annotations

import importlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnn_export.runtimes import keras, onnxruntime, threads
from rnn_export.runtimes.contract import (
    Available,
    Feeds,
    KerasFile,
    Kind,
    Model,
    OnnxFile,
    Options,
    Results,
    RunFacts,
    Session,
    Unavailable,
)
from rnn_export.workflows.benchmarks.peers.keras_calls import load, slots, structured, traced

OPSET = 17
SPINNING = "session.intra_op.allow_spinning"


@dataclass(frozen=True)
class Tf2onnx:
    """tf2onnx's translation, on onnxruntime in the same process, where TensorFlow then idles."""

    name: str = "tf2onnx"
    accepts: tuple[Kind, ...] = ("keras",)
    precisions: tuple[str, ...] = ("float32",)

    def probe(self) -> Available | Unavailable:
        for found in (keras.tensorflow.probe(), onnxruntime.cpu.probe()):
            if isinstance(found, Unavailable):
                return found
        try:
            product = importlib.import_module("tf2onnx")
        except ImportError as error:
            return Unavailable(str(error), "pip install 'rnn-export[peers]'")
        return Available(product.__version__)

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, KerasFile):
            raise TypeError(f"expected a KerasFile, got {model!r}")
        threads.check(self.name, options)
        _, tensorflow, loaded = load(model, options)
        key = (model.path, model.path.stat().st_mtime_ns)
        if key not in _TRANSLATED:
            _TRANSLATED[key] = _translated(tensorflow, loaded)
        path = _TRANSLATED[key]
        # As our own files are run: with onnxruntime's default.
        settings = replace(options, extra={SPINNING: "1"})
        return Tf2onnxSession(self.name, onnxruntime.cpu.open(OnnxFile(path), settings), loaded)


_TRANSLATED: dict[tuple[Path, int], Path] = {}
"""Keras file, and when it was written, to its translation: a benchmark opens one for each size."""


def _translated(tensorflow: Any, loaded: Any) -> Path:
    path = Path(tempfile.mkdtemp()) / "tf2onnx.onnx"
    specs = [tensorflow.TensorSpec(each.shape, each.dtype, each.name) for each in loaded.inputs]
    importlib.import_module("tf2onnx").convert.from_function(
        traced(tensorflow, loaded),
        input_signature=[structured(loaded, specs)],
        opset=OPSET,
        output_path=str(path),
    )
    return path


class Tf2onnxSession:
    """The file under Keras' names: tf2onnx names outputs in its own way, in the same order."""

    def __init__(self, name: str, opened: Session, model: Any) -> None:
        self._opened = opened
        self.inputs, self.outputs = slots(model)
        version = importlib.import_module("tf2onnx").__version__
        self.facts = RunFacts(name, version, "float32", placement=opened.facts.placement)

    def run(self, feeds: Feeds) -> Results:
        named = {
            own.name: feeds[slot.name]
            for own, slot in zip(self._opened.inputs, self.inputs, strict=True)
        }
        arrays = self._opened.run(named).values()
        return {slot.name: array for slot, array in zip(self.outputs, arrays, strict=True)}

    def close(self) -> None:
        self._opened.close()


runtime = Tf2onnx()
