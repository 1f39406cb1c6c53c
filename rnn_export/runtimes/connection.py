"""The caller's side of a runtime: one worker process per runtime, started when needed, warm for many cases."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rnn_export.runtimes import frames, table
from rnn_export.runtimes.closing import Closing
from rnn_export.runtimes.contract import Available, Feeds, Model, Options, Unavailable
from rnn_export.runtimes.failures import Crashed, Missing, Refused
from rnn_export.runtimes.limits import Limits
from rnn_export.runtimes.models import pack
from rnn_export.runtimes.process import Process
from rnn_export.runtimes.remote import RemoteSession


def connect(name: str, options: Options | None = None) -> Connection:
    """Return a connection to the runtime ``name``; nothing is started or imported yet.

    Args:
        name: one of `names`, with "@precision" after it where not the one of ``options``
            ("onnxruntime:cuda@tf32").
        options: for the worker, and for sessions that are opened without their own.

    Raises:
        UnknownRuntime: no runtime has this name.
    """
    return Connection(name, options or Options())


class Connection(Closing):
    """A runtime, as a context manager that ends its worker. Safe to use from several threads, one at a time served.

    Args:
        name, options: as for `connect`.
        place: ``module:object`` of a `Runtime` that stands in no table, such as a peer that is only timed.
    """

    def __init__(self, name: str, options: Options, place: str | None = None) -> None:
        self._place = place or table.find(name)
        base, precision = table.split(name)
        self.name = name
        self.options = options if precision is None else replace(options, precision=precision)
        pointed = os.environ.get(table.interpreter_variable(name))
        self._interpreter = options.interpreter or (Path(pointed) if pointed else None)
        self._base = base
        self._process: Process | None = None
        self._lock = threading.RLock()
        self.measured: dict[Hashable, Any] = {}
        """What workflows measured of this runtime, so that it is done once for as long as it is connected."""

    def probe(self) -> Available | Unavailable:
        """Say whether the runtime can be used here, and in which version; the answer is the worker's own.

        Raises:
            Crashed: the product kills its process even on import.
        """
        try:
            header, _ = self._ask(None, self.options, {"ask": "probe"}, {})
        except Missing as missing:
            return Unavailable(missing.got, missing.advice, self.log())
        except Refused as refusal:
            # Neither working nor merely absent: its import fails in a way of its own.
            return Unavailable(refusal.got, "Repair its installation.", refusal.text)
        found = header["available"]
        return Available(
            found["version"], found["details"], tuple(found["accepts"]), tuple(found["precisions"])
        )

    def open(self, model: Model, options: Options | None = None) -> RemoteSession:
        """Load a model in the worker, which is started if there is none (or the last one died).

        Args:
            model: a file or a network, of a kind that the runtime accepts.
            options: in place of the connection's, but for what a worker fixes when it starts.

        Raises:
            Missing: the runtime cannot be used here.
            Refused: it declined the model.
            Crashed: its process died on it, hung, or outgrew its limit.
            ValueError: the options name another interpreter than the connection's.
        """
        options = options or self.options
        if options.interpreter not in (None, self._interpreter):
            raise ValueError(
                f"interpreter: expected {self._interpreter}, got {options.interpreter}"
            )
        described, arrays = pack(model)
        settings = {
            "threads": options.threads,
            "callers": options.callers,
            "precision": options.precision,
            "extra": dict(options.extra),
        }
        request = {"ask": "open", "model": described, "options": settings}
        with self._lock:
            opened, _ = self._ask(None, options, request, arrays)
            return RemoteSession(self.name, partial(self._ask, self._process, options), opened)

    def log(self) -> str:
        """Return the last lines that the worker, if one is running, printed."""
        with self._lock:
            return self._process.tail() if self._process else ""

    def close(self) -> None:
        """End the worker; a later `open` starts another."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                process.end()

    def _ask(
        self,
        holder: Process | None,
        options: Options,
        request: frames.Header,
        arrays: Feeds,
    ) -> tuple[frames.Header, dict[str, np.ndarray]]:
        """Send a request and return the answer; ``holder`` is the worker that must still be the one running."""
        limits = Limits(options.time_limit, options.memory_limit)
        with self._lock:
            if holder is not None and holder is not self._process:
                raise Crashed(
                    f"runtime {self.name}",
                    expected="the worker that opened this session",
                    got="one that ended since",
                    advice="Open the model anew.",
                )
            if self._process is None:
                self._process = Process(
                    self._base, self._place, self._interpreter, self.options.threads, limits
                )
            try:
                header, results = self._process.exchange(request, arrays, limits)
            except frames.NoDtype as error:
                raise Refused(
                    f"runtime {self.name}", expected="arrays of numbers or booleans", got=str(error)
                ) from error
            except BaseException:
                self._process = None
                raise
        if "error" in header:
            raise _failure(f"runtime {self.name}", request, header)
        return header, results


def _failure(subject: str, request: frames.Header, header: frames.Header) -> Refused | Missing:
    expected = header.get("expected", f"it to {request['ask']} the model")
    parts = {"expected": expected, "got": header["got"], "advice": header.get("advice", "")}
    if header["error"] == "unavailable":
        return Missing(header.get("subject", subject), **parts)
    refusal = Refused(header.get("subject", subject), **parts)
    refusal.text = header["text"]
    return refusal
