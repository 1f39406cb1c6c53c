"""A runtime that takes any file and dies of running it, for the matrix to outlive."""

from __future__ import annotations

import os

from rnn_export.runtimes import Available, Feeds, Model, OnnxFile, Options, Results, RunFacts
from rnn_export.runtimes.onnx_slots import load_slots


class Session:
    def __init__(self, model: OnnxFile) -> None:
        self.inputs, self.outputs = load_slots(model.path)
        self.facts = RunFacts("dying", "1", "float32")

    def run(self, feeds: Feeds) -> Results:
        os.abort()

    def close(self) -> None:
        pass


class Runtime:
    name = "dying"
    accepts = ("onnx",)
    precisions = ("float32",)

    def probe(self) -> Available:
        return Available("1")

    def open(self, model: Model, options: Options) -> Session:
        assert isinstance(model, OnnxFile)
        return Session(model)


runtime = Runtime()
