"""The child process: holds one runtime, answers requests one by one, and dies with its parent.

Started by `process.Process`. It may run in an environment that has only NumPy and one product, so neither
this module nor what it imports needs more.
"""

from __future__ import annotations

import importlib
import os
import queue
import shutil
import signal
import sys
import threading
from io import FileIO

import numpy as np

from rnn_export.runtimes import frames
from rnn_export.runtimes.answers import Answers, described
from rnn_export.runtimes.contract import Runtime

ALARM_GRACE = 5.0
"""Seconds after the parent's own time limit at which the kernel ends a worker whose parent is no longer there."""

Request = tuple[frames.Header, dict[str, np.ndarray]]


def main(arguments: list[str]) -> None:
    """Serve requests until stdin closes.

    Args:
        arguments: the runtime's name, its ``module:object``, and a folder that dies with the worker.
    """
    name, place, scratch = arguments
    to_parent, from_parent = _take_pipes()
    requests: queue.SimpleQueue[Request | Exception] = queue.SimpleQueue()
    reader = threading.Thread(
        target=_read_requests, args=(from_parent, requests, scratch), daemon=True
    )
    reader.start()
    frames.write(to_parent, {"ready": os.getpid()}, {})
    answers = Answers(name, lambda: load(place))
    while True:
        _answer(requests.get(), answers, to_parent)


def load(place: str) -> Runtime:
    """Import the runtime that ``module:object`` names."""
    module, _, attribute = place.partition(":")
    runtime: Runtime = getattr(importlib.import_module(module), attribute)
    return runtime


def _answer(request: Request | Exception, answers: Answers, to_parent: FileIO) -> None:
    try:
        if isinstance(request, Exception):
            raise request
        header, arrays = request
        # Should the parent be killed while native code hangs holding Python's lock, no thread of ours could
        # notice. The kernel's alarm does: nobody handles it, so it ends the process.
        signal.setitimer(signal.ITIMER_REAL, header["time_limit"] + ALARM_GRACE)
        reply, results = answers.to(header, arrays)
        frames.write(to_parent, reply, results)
    except Exception as error:
        # The one boundary where everything a product (or an adapter) raises becomes a message: this process
        # exists to keep foreign errors, of types the parent may not even have, away from the caller.
        frames.write(to_parent, described(error), {})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _take_pipes() -> tuple[FileIO, FileIO]:
    """Keep stdin and stdout for frames alone; products that print do so on stderr, which the parent collects."""
    from_parent = FileIO(os.dup(0), "r")
    to_parent = FileIO(os.dup(1), "w")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    # Line by line, or the last words before a crash would be lost in a buffer.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return to_parent, from_parent


def _read_requests(
    pipe: FileIO, requests: queue.SimpleQueue[Request | Exception], scratch: str
) -> None:
    """Read ahead, so that the parent's death is noticed also while a request is being worked on."""
    while True:
        try:
            requests.put(frames.read(pipe))
        except frames.NoDtype as error:
            requests.put(error)
        except (EOFError, OSError, frames.BadFrame):
            break
    shutil.rmtree(scratch, ignore_errors=True)
    if (
        os.getpgid(0) == os.getpid()
    ):  # not when someone started this module by hand in a group of others
        os.killpg(
            0, signal.SIGKILL
        )  # compilers and the like that a product may have started go too
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
