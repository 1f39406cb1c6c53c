"""The parent's end of one worker process: start it, exchange frames within limits, say how it died, end it."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Mapping
from io import FileIO
from pathlib import Path

import numpy as np

from rnn_export.runtimes import frames
from rnn_export.runtimes.failures import Crashed, Missing
from rnn_export.runtimes.launch import launch
from rnn_export.runtimes.limits import Limits, Watch
from rnn_export.runtimes.tail import Tail

LOG = logging.getLogger(__name__)
PATIENCE = 2.0
"""Seconds in which a worker that closed its pipes is dead, and a dead one's pipes are dry."""


class Process:
    """One running worker.

    Args:
        name: the runtime's name, for messages.
        place: its ``module:object``.
        interpreter: the Python to run; None for this one.
        threads: how many its numeric libraries may use.
        limits: for the start.

    Raises:
        Missing: the interpreter does not exist, or its environment cannot load the worker.
        Crashed: it died or hung on starting.
    """

    def __init__(
        self, name: str, place: str, interpreter: Path | None, threads: int, limits: Limits
    ) -> None:
        self.name = name
        self._scratch = tempfile.mkdtemp(prefix="rnn_export-")
        try:
            self._child = launch(interpreter, [name, place, self._scratch], threads)
        except OSError as error:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise Missing(
                f"runtime {name}",
                expected="an interpreter to run it in",
                got=f"{interpreter}: {error.strerror}",
                advice="Point Options.interpreter at a Python of 3.11 or later.",
            ) from error
        except BaseException:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise
        self._tail = Tail(_raw(self._child.stderr))
        # Also when forgotten, and when the interpreter exits: a worker never outlives its use.
        self._finalize = weakref.finalize(self, _end, self._child, self._tail, self._scratch)
        self._start(limits, interpreter)
        LOG.debug("runtime %s: worker %d started", name, self.pid)

    @property
    def pid(self) -> int:
        return self._child.pid

    def exchange(
        self, request: frames.Header, arrays: Mapping[str, np.ndarray], limits: Limits
    ) -> tuple[frames.Header, dict[str, np.ndarray]]:
        """Send one request and return the answer.

        Raises:
            Crashed: no answer came; the process is ended.
            frames.NoDtype: an array that cannot travel; the process goes on.
        """
        garbage = ""
        answer = None
        with Watch(self._child.pid, self._kill, limits) as watch:
            try:
                request = {**request, "time_limit": limits.time}
                frames.write(_raw(self._child.stdin), request, arrays)
                answer = frames.read(_raw(self._child.stdout))
            except frames.NoDtype:
                raise
            except (OSError, EOFError, frames.BadFrame) as error:
                garbage = str(error) if isinstance(error, frames.BadFrame) else ""
            except BaseException:
                # Ctrl-C, within a frame perhaps: the pipes are out of step, so the worker must go.
                self.end()
                raise
        # An answer that came as the limit struck is too late as well: its sender is dead.
        if answer is None or watch.reason:
            raise self._crash(str(request["ask"]), watch.reason, garbage)
        return answer

    def tail(self) -> str:
        """Return the last lines of the worker's stderr."""
        return self._tail.text()

    def end(self) -> None:
        """End the process and whatever it started, and remove its scratch folder; again is harmless."""
        self._finalize()

    def _start(self, limits: Limits, interpreter: Path | None) -> None:
        with Watch(self._child.pid, self._kill, limits) as watch:
            try:
                frames.read(_raw(self._child.stdout))
                return
            except (OSError, EOFError, frames.BadFrame):
                pass
            except BaseException:
                self.end()
                raise
        crash = self._crash("start", watch.reason, "")
        if crash.signal is None and not watch.reason and interpreter is not None:
            raise Missing(
                f"runtime {self.name}",
                expected=f"{interpreter} to run its worker",
                got=crash.stderr.strip().splitlines()[-1] if crash.stderr.strip() else crash.reason,
                advice="Its environment needs NumPy and the product.",
            ) from crash
        raise crash

    def _crash(self, doing: str, reason: str, garbage: str) -> Crashed:
        # The pipes close a moment before the status is there; ending at once would turn any death into SIGKILL.
        try:
            self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            garbage = garbage or "a closed pipe"
        self.end()
        status = self._child.wait()
        name = None
        if status < 0 and not reason and not garbage:  # else the signal was ours
            name = signal.Signals(-status).name
        if name == "SIGKILL":
            reason = "SIGKILL (from outside; perhaps the kernel was out of memory)"
        reason = reason or garbage or name or f"exit code {status}"
        stderr = self._tail.text()
        words = [line.strip() for line in stderr.splitlines() if line.strip()]
        crash = Crashed(
            f"runtime {self.name}",
            expected=f"an answer to {doing!r}",
            got=reason,
            advice=f"Its last words: {words[-1]}" if words else "",
        )
        crash.signal, crash.reason, crash.stderr = name, reason, stderr
        LOG.info("%s", crash)
        return crash

    def _kill(self) -> None:
        _kill(self._child.pid)


def _end(child: subprocess.Popen[bytes], tail: Tail, scratch: str) -> None:
    # No farewell: a worker has nothing to save, and some products crash or dawdle when asked to leave.
    _kill(child.pid)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        _raw(pipe).close()
    tail.finish(PATIENCE)
    shutil.rmtree(scratch, ignore_errors=True)


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # gone already


def _raw(pipe: object) -> FileIO:
    if not isinstance(pipe, FileIO):
        raise TypeError(f"expected an unbuffered pipe, got {pipe!r}")
    return pipe
