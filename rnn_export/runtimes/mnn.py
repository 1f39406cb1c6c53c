"""MNN, Alibaba's engine for phones, on its CPU backend: the file is converted to its own format first.

Source: https://github.com/alibaba/MNN, pymnn
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

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

NAME = "mnn"
TYPES = {"float32": "float", "int32": "int", "int64": "int64", "uint8": "uint8"}


@dataclass(frozen=True)
class Mnn:
    """MNN through its Python package."""

    name: str = NAME
    accepts: tuple[Kind, ...] = ("onnx",)
    precisions: tuple[str, ...] = ("float32", "default")
    install: str = "pip install 'rnn-export[mnn]'"

    def probe(self) -> Available | Unavailable:
        try:
            product = importlib.import_module("MNN")
            importlib.import_module("_tools")
        except ImportError as error:
            return Unavailable(str(error), self.install)
        return Available(str(product.version()))

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, OnnxFile):
            raise TypeError(f"expected an OnnxFile, got {model!r}")
        inputs, outputs = load_slots(model.path)
        config = {
            "backend": "CPU",
            "precision": "high" if options.precision == "float32" else "normal",
            "numThread": options.threads,
        }
        with tempfile.TemporaryDirectory() as folder:
            converted = _convert(model.path, Path(folder) / "model.mnn")
            neural = importlib.import_module("MNN.nn")
            module = neural.load_module_from_file(
                str(converted),
                [slot.name for slot in inputs],
                [slot.name for slot in outputs],
                runtime_manager=neural.create_runtime_manager((config,)),
            )
        # It does not tell what it computes in; "normal" leaves that to each backend.
        precision = "float32" if options.precision == "float32" else "normal"
        return MnnSession(module, inputs, outputs, precision)


class MnnSession:
    """A loaded module."""

    def __init__(self, module: Any, inputs: Any, outputs: Any, precision: str) -> None:
        self._module = module
        self.inputs, self.outputs = inputs, outputs
        version = str(importlib.import_module("MNN").version())
        self.facts = RunFacts(NAME, version, precision, details={"backend": "CPU"})

    def run(self, feeds: Feeds) -> Results:
        inputs_check.check(NAME, self.inputs, feeds)
        expressions = importlib.import_module("MNN.expr")
        variables = [_variable(expressions, slot.name, feeds[slot.name]) for slot in self.inputs]
        results = self._module.forward(variables)
        # Copies in plain order: MNN keeps channels in blocks of four, in memory that its next run reuses.
        plain = [np.array(expressions.convert(each, expressions.NCHW).read()) for each in results]
        return {slot.name: array for slot, array in zip(self.outputs, plain, strict=True)}

    def close(self) -> None:
        self._module = None


def _convert(source: Path, target: Path) -> Path:
    # Not the mnnconvert script: each call of it installs packages and reports to its makers. This is the same
    # converter. It returns True whatever happens, and says what went wrong on stdout alone.
    tools = importlib.import_module("_tools")
    with tempfile.TemporaryFile() as said, _output_into(said):
        arguments = [
            "mnnconvert",
            "-f",
            "ONNX",
            "--modelFile",
            str(source),
            "--MNNModel",
            str(target),
        ]
        tools.mnnconvert([*arguments, "--bizCode", "rnn_export"])
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
    if not target.exists():
        telling = [
            line for line in lines if "Not Support" in line or "failed" in line or "ERROR" in line
        ]
        refusal = Refused(
            f"runtime {NAME}",
            expected="to convert the file",
            # Without the time of day and the line of its source.
            got=re.sub(r"^\[[\d:]+\] :\d+: ", "", (telling or lines or ["nothing"])[0]).strip(),
        )
        refusal.text = "\n".join(lines)
        raise refusal
    return target


@contextlib.contextmanager
def _output_into(file: BinaryIO) -> Iterator[None]:
    """Send this process' stdout, that of C++ code included, into ``file``."""
    kept = os.dup(1)
    try:
        os.dup2(file.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _variable(expressions: Any, name: str, array: np.ndarray) -> Any:
    kind = TYPES.get(array.dtype.name)
    if kind is None:
        raise Refused(
            f"runtime {NAME}: input {name!r}",
            expected=f"one of {', '.join(TYPES)}",
            got=array.dtype.name,
        )
    variable = expressions.placeholder(
        list(array.shape), expressions.NCHW, getattr(expressions, kind)
    )
    variable.write(np.ascontiguousarray(array))
    return variable


runtime = Mnn()
