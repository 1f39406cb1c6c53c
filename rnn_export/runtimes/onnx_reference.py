"""ONNX's own ReferenceEvaluator: a runtime under test like any other, never the oracle.

It ignores sequence_lens and clip, and knows only Tanh and Affine (facts/onnx-rnn-op.md).

Source: https://onnx.ai/onnx/api/reference.html
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_export.runtimes import feeds as inputs_check
from rnn_export.runtimes.contract import (
    Available,
    Feeds,
    Kind,
    Model,
    OnnxFile,
    Options,
    Results,
    RunFacts,
    Session,
    Unavailable,
)
from rnn_export.runtimes.onnx_slots import slots_of

NAME = "onnx-reference"


@dataclass(frozen=True)
class OnnxReference:
    """onnx.reference.ReferenceEvaluator; computes in the model's own dtypes."""

    name: str = NAME
    accepts: tuple[Kind, ...] = ("onnx",)
    precisions: tuple[str, ...] = ("float32", "default")

    def probe(self) -> Available | Unavailable:
        try:
            product = importlib.import_module("onnx")
        except ImportError as error:
            return Unavailable(str(error), "pip install onnx")
        return Available(product.__version__)

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, OnnxFile):
            raise TypeError(f"expected an OnnxFile, got {model!r}")
        product = importlib.import_module("onnx")
        proto = product.load(str(model.path))
        evaluator = importlib.import_module("onnx.reference").ReferenceEvaluator(proto)
        return OnnxReferenceSession(evaluator, proto.graph, product.__version__)


class OnnxReferenceSession:
    """An evaluator that checks its inputs: by itself it computes in whatever dtype it is given."""

    def __init__(self, evaluator: Any, graph: Any, version: str) -> None:
        self._evaluator = evaluator
        self.inputs, self.outputs = slots_of(graph)
        self.facts = RunFacts(NAME, version, "float32")

    def run(self, feeds: Feeds) -> Results:
        inputs_check.check(NAME, self.inputs, feeds)
        results = self._evaluator.run(None, dict(feeds))
        return {
            slot.name: np.asarray(array) for slot, array in zip(self.outputs, results, strict=True)
        }

    def close(self) -> None:
        self._evaluator = None


runtime = OnnxReference()
