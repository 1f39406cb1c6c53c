"""OpenVINO on a Keras model's SavedModel, its way for such models, with the shape of the inputs fixed.

Source: openvino.Core.read_model, openvino.Model.reshape
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_export.runtimes import openvino
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
class OpenVinoKeras:
    """OpenVINO's CPU plugin in float32; the file it is handed is the one within a SavedModel's folder."""

    name: str = "keras@openvino:cpu"
    accepts: tuple[Kind, ...] = ("keras",)
    precisions: tuple[str, ...] = ("float32",)

    def probe(self) -> Available | Unavailable:
        return openvino.cpu.probe()

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, KerasFile):
            raise TypeError(f"expected a file of a SavedModel, got {model!r}")
        core = importlib.import_module("openvino").Core()
        settings = {
            "INFERENCE_NUM_THREADS": options.threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        return OpenVinoKerasSession(
            self.name, core, core.read_model(str(model.path.parent)), settings
        )


class OpenVinoKerasSession:
    """A model that is compiled for the shapes it is first run with."""

    def __init__(self, name: str, core: Any, model: Any, settings: dict[str, object]) -> None:
        self._core, self._model, self._settings = core, model, settings
        self._compiled: Any = None
        self._shapes: list[tuple[int, ...]] = []
        self.inputs = _slots(model.inputs)
        self.outputs = _slots(model.outputs)
        self.facts = RunFacts(name, "", "float32", details={"device": "cpu"})

    def run(self, feeds: Feeds) -> Results:
        arrays = [feeds[slot.name] for slot in self.inputs]
        shapes = [array.shape for array in arrays]
        if shapes != self._shapes:
            fixed = dict(zip(self._model.inputs, map(list, shapes), strict=True))
            self._model.reshape(fixed)
            self._compiled = self._core.compile_model(self._model, "CPU", self._settings)
            self._shapes = shapes
        results = self._compiled(arrays)
        # Copies: the arrays of an inference request are overwritten by its next run.
        return {slot.name: np.array(results[number]) for number, slot in enumerate(self.outputs)}

    def close(self) -> None:
        self._compiled = self._model = None


def _slots(ports: Sequence[Any]) -> tuple[Slot, ...]:
    return tuple(
        Slot(port.get_any_name(), port.get_element_type().to_dtype().name, None) for port in ports
    )


runtime = OpenVinoKeras()
