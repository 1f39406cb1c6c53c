"""What the worker answers: one method for each kind of request, over one runtime and its open sessions."""

from __future__ import annotations

import gc
import re
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

import numpy as np

from rnn_export.errors import RnnExportError, RuntimeUnavailable
from rnn_export.runtimes.callers import open_shared
from rnn_export.runtimes.contract import (
    Available,
    KerasFile,
    OnnxFile,
    Options,
    Runtime,
    Session,
    kind_of,
)
from rnn_export.runtimes.failures import Refused
from rnn_export.runtimes.frames import Header
from rnn_export.runtimes.models import unpack
from rnn_export.runtimes.probed import probed

CAUSE = "Caused by:"
OPENING = re.compile(
    r"Exception (from \S+:|encountered when calling \S+\(\)\.)|Check '.*' failed at \S+:"
    r"|FrontEnd API failed with \w+:|Model wasn't fully converted\..*|-- \S+ with a message:"
    r"|While validating ONNX node .*:"
)
"""Lines with which products begin, and that say nothing but where they were."""

Arrays = Mapping[str, np.ndarray]
Answer = tuple[Header, dict[str, np.ndarray]]


class Answers:
    """Answers requests about one runtime.

    Args:
        name: of the runtime.
        load: imports its adapter; called once, when first needed.
    """

    def __init__(self, name: str, load: Callable[[], Runtime]) -> None:
        self._name = name
        self._load = load
        self._probed: tuple[Runtime, Available] | None = None
        self._sessions: dict[int, Session] = {}
        self._opened = 0

    def to(self, request: Header, arrays: Arrays) -> Answer:
        """Return the answer to one request; whatever the runtime raises passes through."""
        methods = {
            "probe": self._probe,
            "open": self._open,
            "run": self._run,
            "measure": self._measure,
            "close": self._close,
        }
        return methods[request["ask"]](request, arrays)

    def _available(self) -> tuple[Runtime, Available]:
        if self._probed is None:
            runtime = self._load()
            found = probed(self._name, runtime)
            found = replace(found, accepts=runtime.accepts, precisions=runtime.precisions)
            self._probed = runtime, found
        return self._probed

    def _probe(self, request: Header, arrays: Arrays) -> Answer:
        _, found = self._available()
        return {"available": asdict(found)}, {}

    def _open(self, request: Header, arrays: Arrays) -> Answer:
        runtime, _ = self._available()
        model = unpack(request["model"], arrays)
        options = Options(**request["options"])
        if kind_of(model) not in runtime.accepts:
            raise Refused(
                f"runtime {self._name}",
                expected=f"a model of kind {' or '.join(runtime.accepts)}",
                got=kind_of(model),
            )
        if options.precision not in runtime.precisions:
            raise Refused(
                f"runtime {self._name}",
                expected=f"precision {' or '.join(runtime.precisions)}",
                got=options.precision,
            )
        if isinstance(model, (OnnxFile, KerasFile)) and not model.path.is_file():
            # Each product has other words for it, and some of them are about formats.
            raise Refused(f"runtime {self._name}", expected="a file", got=f"none at {model.path}")
        session = open_shared(runtime, model, options)
        self._opened += 1
        self._sessions[self._opened] = session
        slots = {"inputs": _plain(session.inputs), "outputs": _plain(session.outputs)}
        return {"session": self._opened, "facts": asdict(session.facts), **slots}, {}

    def _run(self, request: Header, arrays: Arrays) -> Answer:
        session = self._session(request, arrays)
        started = time.perf_counter()
        results = session.run(arrays)
        seconds = time.perf_counter() - started
        return {"facts": asdict(session.facts), "seconds": seconds}, results

    def _measure(self, request: Header, arrays: Arrays) -> Answer:
        session = self._session(request, arrays)
        for _ in range(request["warmup"]):
            session.run(arrays)
        seconds = []
        for _ in range(request["repeats"]):
            started = time.perf_counter()
            session.run(arrays)
            seconds.append(time.perf_counter() - started)
        return {"seconds": seconds}, {}

    def _close(self, request: Header, arrays: Arrays) -> Answer:
        session = self._sessions.pop(request["session"], None)
        if session is not None:
            session.close()
            # Products hang their memory on Python objects, some of them in cycles.
            del session
            gc.collect()
        return {}, {}

    def _session(self, request: Header, arrays: Arrays) -> Session:
        session = self._sessions[request["session"]]
        wanted = [slot.name for slot in session.inputs]
        if set(arrays) != set(wanted):
            raise Refused(
                f"runtime {self._name}",
                expected=f"inputs {', '.join(wanted)}",
                got=", ".join(arrays) or "none",
            )
        return session


def _plain(slots: tuple[object, ...]) -> list[object]:
    return [asdict(slot) for slot in slots]  # type: ignore[call-overload]


def described(error: Exception) -> Header:
    """Return an error as a message: its kind, the parts of its line, and the whole text for the report."""
    text = "".join(traceback.format_exception(error))
    kind = "unavailable" if isinstance(error, RuntimeUnavailable) else "refused"
    if isinstance(error, (Refused, RuntimeUnavailable)):
        parts = {
            "subject": error.subject,
            "expected": error.expected,
            "got": error.got,
            "advice": error.advice,
        }
        return {"error": kind, "text": text, **parts}
    words = (
        str(error)
        if isinstance(error, RnnExportError)
        else f"{type(error).__name__}: {first_words(error)}"
    )
    return {"error": kind, "text": text, "got": words}


def first_words(error: Exception) -> str:
    r"""Return the first line of an error's text that says something.

    >>> first_words(RuntimeError("Exception from src/core.cpp:126:\n  Check 'x' failed\n"))
    "Check 'x' failed"
    >>> first_words(RuntimeError("Translating node\n\nCaused by:\n    No such thing\n\nStack backtrace:"))
    'Translating node: No such thing'
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # Keras underlines in colour
    lines = [line.strip() for line in text.splitlines()]
    # OpenVINO begins with the places in its source that the error came through, Keras with the layer's call.
    said = [line for line in lines if line and not OPENING.fullmatch(line)]
    said = said or [line for line in lines if line] or [text.strip()]
    # Rust's errors name the place first, and the reason below "Caused by:".
    causes = said[said.index(CAUSE) + 1 :][:1] if CAUSE in said else []
    return ": ".join([said[0].rstrip(".:"), *causes])
