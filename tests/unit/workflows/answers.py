"""What the children of test_child and test_sharing answer with."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


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


def double(number: int) -> tuple[int, int]:
    """Return twice the number and who worked it out; die over 13."""
    if number == 13:
        kill(number)
    return 2 * number, os.getpid()


def slowly(task: tuple[int, Path]) -> int:
    """Note that the task was begun, work for a while, and return its number."""
    number, folder = task
    with (folder / f"begun-{number:02}").open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.4)
    return number
