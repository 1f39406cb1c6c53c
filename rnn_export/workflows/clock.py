"""How long each step of a use case took."""

from __future__ import annotations

import time


class Clock:
    """Seconds by step: each lasts until the next one is told."""

    def __init__(self) -> None:
        self._steps: dict[str, float] = {}
        self._name = ""
        self._since = time.perf_counter()

    def step(self, name: str) -> None:
        """Begin a step."""
        now = time.perf_counter()
        if self._name:
            self._steps[self._name] = self._steps.get(self._name, 0.0) + now - self._since
        self._name, self._since = name, now

    def seconds(self) -> dict[str, float]:
        """Return the seconds of every step so far, the present one ended."""
        self.step("")
        return dict(self._steps)
