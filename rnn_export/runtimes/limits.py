"""Time and memory limits of a worker, watched from outside.

Memory is the resident size, polled: an address-space limit (RLIMIT_AS) breaks runtimes that reserve more
than they use, as WebAssembly and XLA do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

POLL = 0.02
"""Seconds between two looks at the memory, where it is limited."""


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
        while not self.reason:
            left = deadline - time.monotonic()
            if self._done.wait(min(left, POLL) if self._limits.memory else left):
                return
            if time.monotonic() >= deadline:
                self.reason = f"time limit of {self._limits.time:g} s"
            elif self._limits.memory:
                self._look(self._limits.memory)
        self._kill()

    def _look(self, limit: int) -> None:
        used = resident(self._pid)
        if used > limit:
            self.reason = (
                f"memory limit of {limit / 2**20:.0f} MiB (resident: {used / 2**20:.0f} MiB)"
            )


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
