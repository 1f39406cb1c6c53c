"""What the children of test_child answer with."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from rnn_export.workflows.artifact import Artifact
from rnn_export.workflows.sharing import Task


def pid(_: object) -> int:
    return os.getpid()


def variable(name: str) -> str | None:
    return os.environ.get(name)


def kill(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave(_: object) -> None:
    os._exit(7)


def work(path: Path) -> None:
    """Work for longer than any test waits, with a file that lasts as long."""
    path.touch()
    try:
        time.sleep(600)
    finally:
        path.unlink()


def make(task: Task) -> Artifact:
    """Make nothing; die over the name "deadly"."""
    if task.name == "deadly":
        kill(task)
    return Artifact(
        task.name, task.source, task.settings.out / task.name, changed=(str(os.getpid()),)
    )
