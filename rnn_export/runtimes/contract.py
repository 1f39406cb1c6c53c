"""What every runtime offers, in words that need NumPy alone: a worker in a foreign environment imports this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias

import numpy as np

from rnn_export.runtimes.limits import usual_memory, usual_time

if TYPE_CHECKING:
    from rnn_export.network import Network

Kind: TypeAlias = Literal["onnx", "keras", "network"]
"""The three things a runtime may be handed; `kind_of` tells which."""

Feeds: TypeAlias = Mapping[str, np.ndarray]
"""Input name to array, in the dtype and the axes that the session's `inputs` state."""

Results: TypeAlias = dict[str, np.ndarray]
"""Output name to array, in the order of the session's `outputs`."""


@dataclass(frozen=True)
class OnnxFile:
    """An ONNX file; external data, if any, lies beside it."""

    kind: ClassVar[Kind] = "onnx"
    path: Path


@dataclass(frozen=True)
class KerasFile:
    """A `.keras` or `.h5` file, run by Keras itself with safe_mode: nothing the file holds is executed."""

    kind: ClassVar[Kind] = "keras"
    path: Path


Model: TypeAlias = "OnnxFile | KerasFile | Network"


def kind_of(model: Model) -> Kind:
    """Return which of the three kinds ``model`` is."""
    return model.kind if isinstance(model, (OnnxFile, KerasFile)) else "network"


@dataclass(frozen=True)
class Options:
    """How a runtime is to run. What a worker process fixes when it starts is marked so.

    Args:
        threads: threads within an operator, at least 1; one between operators always. Fixed at the start
            for Keras, numpy and whatever counts OMP_NUM_THREADS.
        callers: how many threads call the model at once, each with its own rows of the batch and ``threads`` of its
            own; 1 for the batch as a whole. No row may depend on another, and the batch is every input's first axis.
        precision: arithmetic that is asked for: "float32" (the strictest a runtime has for float32 models),
            "default" (whatever the product does by itself), "tf32", "float64"; a runtime refuses what it
            does not list in `Runtime.precisions`.
        time_limit: seconds for each request (an open, a run), waiting for the answer included. By default 120,
            or what RNN_EXPORT_TIME_LIMIT says.
        memory_limit: resident bytes of the worker and its children together; None for no limit.
            By default three quarters of the machine's, or what RNN_EXPORT_MEMORY_LIMIT says, in MiB.
        interpreter: Python >= 3.11 of another environment to run the worker in; fixed at the start.
            None: RNN_EXPORT_INTERPRETER_<NAME> where set (``onnxruntime:cpu`` is ``ONNXRUNTIME_CPU``),
            else this very interpreter.
        extra: settings of one product, named in its file.
    """

    threads: int = 1
    callers: int = 1
    precision: str = "float32"
    time_limit: float = field(default_factory=usual_time)
    memory_limit: int | None = field(default_factory=usual_memory)
    interpreter: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ValueError(f"threads: expected at least 1, got {self.threads}")
        if self.callers < 1:
            raise ValueError(f"callers: expected at least 1, got {self.callers}")
        if not self.time_limit > 0:
            raise ValueError(f"time_limit: expected seconds above 0, got {self.time_limit}")
        if self.memory_limit is not None and self.memory_limit < 1:
            raise ValueError(
                f"memory_limit: expected bytes above 0 or None, got {self.memory_limit}"
            )


@dataclass(frozen=True)
class Available:
    """A runtime that can be used here.

    Args:
        version: of the product.
        details: what else matters of the installation (device, execution providers, Keras' own version).
        accepts, precisions: those of the Runtime; the worker fills them in.
    """

    version: str
    details: Mapping[str, str] = field(default_factory=dict)
    accepts: tuple[Kind, ...] = ()
    precisions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unavailable:
    """A runtime that cannot be used here.

    Args:
        reason: why, in one line.
        install: how to get it: a command, or words.
        log: the last lines that the product printed while it was probed ("cannot open libcudnn.so.9").
    """

    reason: str
    install: str
    log: str = ""


@dataclass(frozen=True)
class Slot:
    """An input or output as the runtime sees it.

    Args:
        name: as in the file (Keras: the input's or the output layer's name, made unique).
        dtype: NumPy's or ml_dtypes' name; None where the runtime does not say.
        shape: a number is fixed, a name or None is free; None in place of the tuple where it does not say.
    """

    name: str
    dtype: str | None
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class RunFacts:
    """What a session states about itself, for the report.

    Args:
        runtime: its name.
        version: of the product.
        precision: the arithmetic in force, as the product tells it where it can tell.
        placement: operator type to execution provider or device, " + " between several.
        nodes: name of each recurrent node (RNN, Scan, Loop) to its provider; unnamed ones are "RNN#0".
        details: anything else a reader of the report needs, such as dimensions pinned to run at all.
    """

    runtime: str
    version: str
    precision: str
    placement: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)


class Session(Protocol):
    """An opened model, in the worker."""

    @property
    def facts(self) -> RunFacts: ...
    @property
    def inputs(self) -> tuple[Slot, ...]: ...
    @property
    def outputs(self) -> tuple[Slot, ...]: ...
    def run(self, feeds: Feeds) -> Results:
        """Return every output, in order. Whatever it raises reaches the caller as a refusal."""
        ...

    def close(self) -> None:
        """Let go of the model's memory; the session is not used again."""
        ...


class Runtime(Protocol):
    """One product in one way of running it. To add one: a file with such an object, and a line in the table."""

    @property
    def name(self) -> str: ...
    @property
    def accepts(self) -> tuple[Kind, ...]: ...
    @property
    def precisions(self) -> tuple[str, ...]: ...
    def probe(self) -> Available | Unavailable:
        """Import the product and say whether it works here."""
        ...

    def open(self, model: Model, options: Options) -> Session:
        """Load ``model``, of a kind it accepts; called only after `probe` said Available."""
        ...
