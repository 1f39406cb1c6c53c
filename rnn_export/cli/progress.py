"""Progress on stderr for what takes more than two seconds: a live bar in a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING

from rnn_export.reports.console import is_fancy

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

PATIENCE = 2.0
"""Seconds; what ends before that shows nothing."""


class Progress:
    """A bar with steps done, steps in all and time left; a context manager, safe to be told from threads.

    Args:
        title: what is being done.
        stages: how many will be told by `note`; 0 where that is not known.
    """

    def __init__(self, title: str, stages: int = 0) -> None:
        self._title = title
        self._stages = stages
        self._begun = 0
        self._said = time.monotonic()
        self._fancy = is_fancy(sys.stderr)
        self._lock = threading.Lock()
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._state = (title, 0, 0)
        self._timer = threading.Timer(PATIENCE, self._show)
        self._timer.daemon = True

    def step(self, name: str, done: int, of: int) -> None:
        """Tell that ``done`` of ``of`` steps are done, the last one being ``name``."""
        with self._lock:
            self._state = (name, done, of)
            if self._bar is not None and self._task is not None:
                self._update()
            elif not self._fancy and time.monotonic() - self._said > PATIENCE:
                self._said = time.monotonic()
                count = f"{done}/{of} " if of else ""
                print(f"{self._title}: {count}{name}", file=sys.stderr, flush=True)

    def note(self, name: str) -> None:
        """Tell which stage begins; those before it are done."""
        self._begun += 1
        if self._stages:
            self.step(name, self._begun - 1, max(self._stages, self._begun))
        else:
            self.step(name, 0, 0)

    def __enter__(self) -> Progress:
        if self._fancy:
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
            self._fancy = False

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        # Where the number of steps is not known, there is no share of them to draw.
        counted = (
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
        )
        columns = counted if self._state[2] else (SpinnerColumn(), TimeElapsedColumn())
        columns = (
            TextColumn(self._title),
            *columns,
            TextColumn("{task.description}", style="dim"),
        )
        with self._lock:
            if not self._fancy:
                return
            # Transient: the result that follows is all that stays on the screen.
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=None)
            self._update()
            self._bar.start()

    def _update(self) -> None:
        name, done, of = self._state
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=of or None, description=name)
