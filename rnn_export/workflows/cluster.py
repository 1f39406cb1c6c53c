"""Many tasks on machines that Dask already holds together; each of its workers asks processes of our own.

Source: https://distributed.dask.org (Client.submit, resilience)
"""

from __future__ import annotations

import atexit
import importlib
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rnn_export.errors import RnnExportError, RuntimeCrashed
from rnn_export.workflows.child import Child
from rnn_export.workflows.sharing import Done, Task

_ADDRESS = re.compile(r"([a-z]+://)?[^\s/]+:\d+")

POLL = 1.0
"""Seconds between two looks at whether anybody is at work."""

CONNECTING = 10.0
"""Seconds for the scheduler to answer."""

PATIENCE = 60.0
"""Seconds without a worker after which nobody is waited for any more."""


class Cluster:
    """The workers of a Dask scheduler. They need this package, and the files under the same paths.

    Args:
        address: of the scheduler ("tcp://10.0.0.1:8786").
        patience: seconds to go on without a worker.
    """

    def __init__(self, address: str, patience: float = PATIENCE) -> None:
        self._address = address
        self._patience = patience

    def work(self, tasks: Sequence[Task], answering: str) -> Done[Task]:
        """Yield each task with its answer; see `Crew.work`.

        The tasks of a worker that dies go to another. Some of them may be worked on twice then, but each is
        yielded once.

        Raises:
            RnnExportError: Dask is not installed, or no scheduler answers.
        """
        with self._client() as client:
            waiting = {
                client.submit(asked, answering, task, pure=False, retries=0): task for task in tasks
            }
            try:
                yield from self._results(client, waiting)
            finally:
                client.cancel(list(waiting))

    def _results(self, client: Any, waiting: dict[Any, Task]) -> Done[Task]:
        distributed = importlib.import_module("distributed")
        seen = time.monotonic()
        while waiting:
            try:
                # `wait` asks whatever client is the current one.
                with client.as_current():
                    done = distributed.wait(list(waiting), POLL, "FIRST_COMPLETED").done
            except TimeoutError:
                done = ()
            for future in done:
                yield waiting.pop(future), _answer(future)
            if done or client.nthreads():
                seen = time.monotonic()
            elif time.monotonic() - seen > self._patience:
                for future in list(waiting):
                    yield waiting.pop(future), _lost(f"none for {self._patience:g} s")

    @contextmanager
    def _client(self) -> Iterator[Any]:
        subject = f"scheduler {self._address}"
        if not _ADDRESS.fullmatch(self._address):
            raise RnnExportError(
                subject,
                expected="an address such as tcp://10.0.0.1:8786",
                got=repr(self._address),
                advice="`dask scheduler` prints its own when it starts.",
            )
        try:
            distributed = importlib.import_module("distributed")
        except ImportError:
            raise RnnExportError(
                subject,
                expected="Dask to reach it with",
                got="no package 'distributed'",
                advice="Install it: pip install 'rnn-export[dask]'.",
            ) from None
        try:
            # Not the default of everything else that runs in this process.
            client = distributed.Client(self._address, timeout=CONNECTING, set_as_default=False)
        except (OSError, TimeoutError, ValueError, AssertionError) as error:
            # AssertionError: the thread of its event loop did not start in time.
            raise RnnExportError(
                subject,
                expected="a Dask scheduler that answers",
                got=" ".join(str(error).split()) or type(error).__name__,
                advice="Start one with `dask scheduler`, and workers with `dask worker ADDRESS`.",
            ) from None
        with client:
            yield client


def _answer(future: Any) -> Any:
    """Return what a task came to; everything that can go wrong on the way is a crash of that task."""
    error = None if future.status == "finished" else future.exception(timeout=CONNECTING)
    if future.status == "finished":
        return future.result()
    words = " ".join(str(error).split()) if error else f"one that was {future.status}"
    return _lost(f"{type(error).__name__}: {words}" if error else words)


def _lost(got: str) -> RuntimeCrashed:
    return RuntimeCrashed("cluster", expected="a worker that works to the end", got=got)


_idle: dict[str, list[Child]] = {}
_lock = threading.Lock()
"""In a worker alone: its threads take turns with processes that stay warm."""


def asked(answering: str, task: Any) -> Any:
    """Have a process of our own answer, in a worker of the cluster; one that dies does not take the worker along."""
    with _lock:
        idle = _idle.setdefault(answering, [])
        child = idle.pop() if idle else Child(answering)
    try:
        child.send(task)
        answer = child.receive()
    except RuntimeCrashed as error:
        return error
    except BaseException:
        child.interrupt()
        child.close()
        raise
    with _lock:
        _idle[answering].append(child)
    return answer


@atexit.register
def _close() -> None:
    for idle in _idle.values():
        for child in idle:
            child.close()
