"""A Python process of our own that answers requests, one at a time; unlike multiprocessing's, it runs no user's script.

A spawned process of multiprocessing imports the caller's main module first: a script without a guard would
run again in it, and one from standard input cannot be imported at all.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from rnn_export.errors import RuntimeCrashed

ROOT = Path(__file__).resolve().parents[2]
BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from rnn_export.workflows.child import serve; serve()"

PATIENCE = 5.0
"""Seconds that a child has to end by itself once its pipe is closed."""


class Child:
    """A running child.

    Args:
        answering: "module:function"; called in the child with each request, its result is the answer. An
            exception of its own ends the child.
        environment: variables to set in it.
    """

    def __init__(self, answering: str, environment: Mapping[str, str] | None = None) -> None:
        self.pipe, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", BOOTSTRAP, str(ROOT), answering, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            # Ctrl-C reaches the parent alone, which then ends it.
            start_new_session=True,
        )
        theirs.close()

    def send(self, request: object) -> None:
        """Hand over a request.

        Raises:
            RuntimeCrashed: the child is gone.
        """
        try:
            self.pipe.send(request)
        except OSError as error:
            raise self._crash() from error

    def receive(self) -> Any:
        """Return the answer to the request before.

        Raises:
            RuntimeCrashed: the child died over it.
        """
        try:
            return self.pipe.recv()
        except (EOFError, OSError) as error:
            raise self._crash() from error

    def interrupt(self) -> None:
        """Send Ctrl-C, so that the child stops its work and clears up after itself; `close` then waits for it."""
        self._process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """End the child; one that does not end by itself in time is killed."""
        self.pipe.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _crash(self) -> RuntimeCrashed:
        self.close()
        status = self._process.returncode
        got = f"one that died of signal {-status}" if status < 0 else f"exit code {status}"
        return RuntimeCrashed("process", expected="one that works to the end", got=got)


def serve() -> None:
    """Answer requests until the pipe closes: the main function of a child."""
    module, _, name = sys.argv[2].partition(":")
    answer: Callable[[Any], Any] = getattr(import_module(module), name)
    with Connection(int(sys.argv[3])) as pipe:
        requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        working = threading.Event()
        threading.Thread(target=_read, args=(pipe, requests, working), daemon=True).start()
        while (request := requests.get()) is not _GONE:
            pipe.send(answer(request))
            working.clear()


_GONE = object()


def _read(pipe: Connection, requests: queue.SimpleQueue[Any], working: threading.Event) -> None:
    """Read ahead, so that a parent that was killed is noticed while a request is being worked on.

    What nobody waits for any more is stopped: it holds locks and memory that others want.
    """
    try:
        while True:
            request = pipe.recv()
            working.set()
            requests.put(request)
    except (EOFError, OSError):
        requests.put(_GONE)
    if working.is_set():
        # A signal, unlike interrupt_main, also ends what the main thread waits for.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        time.sleep(PATIENCE)
        # Native code that does not come back to Python.
        os.kill(os.getpid(), signal.SIGKILL)
