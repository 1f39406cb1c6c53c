"""Time and memory limits of a worker, watched from outside.

Memory is the resident size, polled: an address-space limit (RLIMIT_AS) breaks runtimes that reserve more
than they use, as WebAssembly and XLA do.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from rnn_export.errors import RnnExportError

SOONEST, LATEST = 0.02, 0.5
"""Seconds between two looks at the memory, where it is limited."""

RATE = 4 * 2**30
"""Bytes a second that a worker may come to hold: the more it has left, the later the next look, which costs time."""


TIME_VARIABLE, MEMORY_VARIABLE = "RNN_EXPORT_TIME_LIMIT", "RNN_EXPORT_MEMORY_LIMIT"
"""Environment variables that hold the limits of workers that are given none: seconds, and MiB."""


def usual_time() -> float:
    """Return the seconds that a request may take unless told otherwise: 120, or what TIME_VARIABLE says.

    Raises:
        RnnExportError: it holds no number above 0.
    """
    return _number(TIME_VARIABLE, "seconds") or 120.0


def usual_memory() -> int:
    """Return the bytes that a worker may hold unless told otherwise.

    Three quarters of this machine's memory, or what MEMORY_VARIABLE says.

    Raises:
        RnnExportError: it holds no number above 0.
    """
    told = _number(MEMORY_VARIABLE, "MiB")
    if told is not None:
        return math.ceil(told * 2**20)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4


def _number(variable: str, unit: str) -> float | None:
    text = os.environ.get(variable)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise RnnExportError(
            variable, expected=f"{unit}, a number above 0", got=repr(text), advice="Unset it."
        )
    return number


@dataclass(frozen=True)
class Limits:
    """Of one request: ``time`` in seconds, ``memory`` in resident bytes or None."""

    time: float
    memory: int | None


class Watch:
    """Within its block, kills a process that outruns its limits.

    Args:
        pid: the process; its children count too.
        kill: ends it and them; called at most once, from another thread.
        limits: what it may use.

    After the block, ``reason`` says which limit was passed, or is empty.
    """

    def __init__(self, pid: int, kill: Callable[[], None], limits: Limits) -> None:
        self.reason = ""
        self._pid = pid
        self._kill = kill
        self._limits = limits
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        deadline = time.monotonic() + self._limits.time
        # Most requests are over before the first look.
        pause = SOONEST
        while not self.reason:
            left = deadline - time.monotonic()
            if self._done.wait(min(left, pause) if self._limits.memory else left):
                return
            if time.monotonic() >= deadline:
                self.reason = f"time limit of {self._limits.time:g} s"
            elif self._limits.memory:
                pause = self._look(self._limits.memory)
        self._kill()

    def _look(self, limit: int) -> float:
        """Return the seconds until the next look."""
        used = resident(self._pid)
        if used > limit:
            self.reason = (
                f"memory limit of {limit / 2**20:.0f} MiB (resident: {used / 2**20:.0f} MiB)"
            )
        return min(max((limit - used) / RATE, SOONEST), LATEST)


def resident(pid: int) -> int:
    """Return the resident bytes of a process and its children; 0 once it is gone."""
    # Imported here: only a limit needs it, and the foreign environment of a worker does not have it.
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
