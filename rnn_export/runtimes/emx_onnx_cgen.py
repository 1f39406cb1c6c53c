"""emx-onnx-cgen: ONNX to plain C, compiled by gcc into a library for each new set of input shapes.

Fully dynamic files would make it index arrays at -1, so every named dimension is pinned to the inputs.
Options.extra: "cflags" in place of "-O2"; "pin": "no" leaves the file as it is.

Source: https://github.com/emmtrix/emx-onnx-cgen
"""

from __future__ import annotations

import ctypes
import importlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
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
from rnn_export.runtimes.pinning import load_pinned

NAME = "emx-onnx-cgen"
TYPES = {
    "float": "float32",
    "double": "float64",
    "_Float16": "float16",
    "_Bool": "bool",
    "bool": "bool",
    **{
        f"{name}_t": name
        for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
}


@dataclass(frozen=True)
class EmxOnnxCgen:
    """emx-onnx-cgen and a C compiler."""

    name: str = NAME
    accepts: tuple[Kind, ...] = ("onnx",)
    precisions: tuple[str, ...] = ("float32", "default")

    def probe(self) -> Available | Unavailable:
        if shutil.which("gcc") is None:
            return Unavailable("no gcc on the PATH", "apt-get install gcc libc6-dev")
        try:
            importlib.import_module("emx_onnx_cgen")
        except ImportError as error:
            return Unavailable(str(error), "pip install 'rnn-export[emx]'")
        compiler = subprocess.run(
            ["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True
        )
        return Available(_version(), {"gcc": compiler.stdout.strip()})

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, OnnxFile):
            raise TypeError(f"expected an OnnxFile, got {model!r}")
        return EmxSession(model, options)


class EmxSession:
    """A file, and the compiled function for the shapes of the last run."""

    def __init__(self, model: OnnxFile, options: Options) -> None:
        self._model = model
        self._flags = options.extra.get("cflags", "-O2").split()
        self._pins = options.extra.get("pin") != "no"
        self.inputs, self.outputs = load_slots(model.path)
        self._compiled: tuple[dict[str, int], _Library] | None = None
        details = {"cflags": " ".join(self._flags), "threads": "1"}
        self.facts = RunFacts(NAME, _version(), "float32", details=details)

    def run(self, feeds: Feeds) -> Results:
        sizes = inputs_check.check(NAME, self.inputs, feeds)
        if self._compiled is None or self._compiled[0] != sizes:
            self.close()
            library = _Library(self._model.path, sizes if self._pins else {}, self._flags)
            self._compiled = sizes, library
            if sizes and self._pins:
                pinned = ", ".join(f"{name}={size}" for name, size in sizes.items())
                self.facts = replace(self.facts, details={**self.facts.details, "pinned": pinned})
        results = self._compiled[1]([feeds[slot.name] for slot in self.inputs])
        return {slot.name: array for slot, array in zip(self.outputs, results, strict=True)}

    def close(self) -> None:
        if self._compiled is not None:
            self._compiled[1].close()
            self._compiled = None


class _Library:
    """The generated function ``void model(inputs..., outputs...)``, compiled and loaded."""

    def __init__(self, path: Path, sizes: dict[str, int], flags: list[str]) -> None:
        source, weights = _compiler().compile_with_weight_data(load_pinned(path, sizes))
        self._arguments = _arguments(source)
        with tempfile.TemporaryDirectory() as folder:
            code, library, data = (
                str(Path(folder) / name) for name in ("model.c", "model.so", "model.bin")
            )
            Path(code).write_text(source, encoding="utf-8")
            command = ["gcc", "-std=c11", *flags, "-shared", "-fPIC", code, "-o", library, "-lm"]
            built = subprocess.run(command, capture_output=True, text=True, check=False)
            if built.returncode:
                errors = [line for line in built.stderr.splitlines() if "error" in line]
                raise Refused(
                    f"runtime {NAME}",
                    expected="C that gcc compiles",
                    got=(errors or [built.stderr])[0],
                )
            self._library = ctypes.CDLL(library)
            if weights:
                Path(data).write_bytes(weights)
                self._library.model_load.restype = ctypes.c_bool
                if not self._library.model_load(data.encode()):
                    raise Refused(f"runtime {NAME}", expected="to load its weights", got="false")

    def __call__(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        given = [np.ascontiguousarray(array) for array in inputs]
        outputs = [np.empty(shape, dtype) for dtype, shape in self._arguments[len(given) :]]
        taken = [(array.dtype.name, array.shape) for array in given]
        if taken != self._arguments[: len(given)]:
            raise Refused(
                f"runtime {NAME}", expected=str(self._arguments[: len(given)]), got=str(taken)
            )
        self._library.model(
            *(array.ctypes.data_as(ctypes.c_void_p) for array in (*given, *outputs))
        )
        return outputs

    def close(self) -> None:
        """Unload the library, which ctypes never does by itself."""
        ctypes.CDLL(None).dlclose(ctypes.c_void_p(self._library._handle))


def _compiler() -> Any:
    """Return a code generator; its 169 templates, which take it seconds, are compiled once for all of them."""
    generator = importlib.import_module("emx_onnx_cgen.compiler")
    made = generator.Compiler(generator.CompilerOptions(model_name="model"))
    # Not public, and not needed: without it every compilation is as slow as the first.
    environment = getattr(getattr(made, "_emitter", None), "_env", None)
    if environment is not None:
        environment.bytecode_cache = _templates()
    return made


@cache
def _templates() -> Any:
    base = importlib.import_module("jinja2").BytecodeCache
    held: dict[str, bytes] = {}

    class Held(base):  # type: ignore[misc, valid-type]
        """Compiled templates in memory."""

        def load_bytecode(self, bucket: Any) -> None:
            if bucket.key in held:
                bucket.bytecode_from_string(held[bucket.key])

        def dump_bytecode(self, bucket: Any) -> None:
            held[bucket.key] = bucket.bytecode_to_string()

    return Held()


def _arguments(source: str) -> list[tuple[str, tuple[int, ...]]]:
    """Return dtype and shape of every argument of ``void model(...)``, inputs first.

    >>> _arguments("void model(const float x[restrict 7][3], int64_t y[restrict 2]) {")
    [('float32', (7, 3)), ('int64', (2,))]
    """
    found = re.search(r"^void model\((.*?)\) \{", source, re.MULTILINE | re.DOTALL)
    parts = [part.strip() for part in found.group(1).split(",")] if found else []
    arguments = []
    for part in parts:
        argument = re.fullmatch(r"(?:const )?(\w+) \w+((?:\[(?:restrict )?\d+\])+)", part)
        if argument is None or argument.group(1) not in TYPES:
            raise Refused(
                f"runtime {NAME}", expected="arguments of fixed shape in the C code", got=part
            )
        shape = tuple(int(size) for size in re.findall(r"\d+", argument.group(2)))
        arguments.append((TYPES[argument.group(1)], shape))
    return arguments


def _version() -> str:
    metadata: Any = importlib.import_module("importlib.metadata")
    return str(metadata.version("emx-onnx-cgen"))


runtime = EmxOnnxCgen()
