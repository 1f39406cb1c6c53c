"""tract, Sonos' inference engine in Rust, on one thread; every dimension is pinned to the inputs before it compiles.

With a symbolic batch its RNN panics and takes the process with it, so the file is compiled anew for each new
set of input shapes, which is also how its users call it (`set_input_fact`).
Options.extra: "pin": "no" compiles the file as it is.

Source: https://github.com/sonos/tract, api/py
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
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
from rnn_export.runtimes.failures import Refused
from rnn_export.runtimes.onnx_slots import load_slots

NAME = "tract"
TOKENS = {
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "bool": "bool",
    **{
        f"{sign}int{bits}": f"{token}{bits}"
        for bits in (8, 16, 32, 64)
        for sign, token in (("", "i"), ("u", "u"))
    },
}


@dataclass(frozen=True)
class Tract:
    """tract through its Python package."""

    name: str = NAME
    accepts: tuple[Kind, ...] = ("onnx",)
    precisions: tuple[str, ...] = ("float32", "default")
    install: str = "pip install 'rnn-export[tract]'"

    def probe(self) -> Available | Unavailable:
        try:
            product = importlib.import_module("tract")
        except ImportError as error:
            return Unavailable(str(error), self.install)
        return Available(str(product.version()))

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, OnnxFile):
            raise TypeError(f"expected an OnnxFile, got {model!r}")
        return TractSession(importlib.import_module("tract"), model, options)


class TractSession:
    """A parsed file, and the program for the shapes of the last run."""

    def __init__(self, product: Any, model: OnnxFile, options: Options) -> None:
        self._product = product
        self._pins = options.extra.get("pin") != "no"
        self._model = model
        self.inputs, self.outputs = load_slots(model.path)
        product.onnx().load(
            str(model.path)
        )  # unknown operators are refused now rather than at the first run
        self._compiled: tuple[str, Any] | None = None
        self.facts = RunFacts(NAME, str(product.version()), "float32", details={"threads": "1"})

    def run(self, feeds: Feeds) -> Results:
        inputs_check.check(NAME, self.inputs, feeds)
        facts = [_fact(slot.name, feeds[slot.name]) for slot in self.inputs] if self._pins else []
        program = self._program(facts)
        results = program.run([np.ascontiguousarray(feeds[slot.name]) for slot in self.inputs])
        return {
            slot.name: each.to_numpy() for slot, each in zip(self.outputs, results, strict=True)
        }

    def close(self) -> None:
        self._compiled = None

    def _program(self, facts: list[str]) -> Any:
        pinned = "; ".join(facts)
        if self._compiled is None or self._compiled[0] != pinned:
            graph = self._product.onnx().load(str(self._model.path))
            places = {graph.input_name(number): number for number in range(graph.input_count())}
            for slot, fact in zip(self.inputs, facts, strict=False):  # none where nothing is pinned
                graph.set_input_fact(places[slot.name], fact)
            self._compiled = pinned, graph.into_model().into_runnable()
            if any(isinstance(dim, str) for slot in self.inputs for dim in slot.shape or ()):
                self.facts = replace(self.facts, details={**self.facts.details, "pinned": pinned})
        return self._compiled[1]


def _fact(name: str, array: np.ndarray) -> str:
    token = TOKENS.get(array.dtype.name)
    if token is None:
        raise Refused(
            f"runtime {NAME}: input {name!r}",
            expected=f"one of {', '.join(TOKENS)}",
            got=array.dtype.name,
        )
    return ",".join([*map(str, array.shape), token])


runtime = Tract()
