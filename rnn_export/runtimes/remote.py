"""The caller's end of a session that lives in a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from rnn_export.runtimes.closing import Closing
from rnn_export.runtimes.contract import Feeds, Results, RunFacts, Slot
from rnn_export.runtimes.failures import Crashed
from rnn_export.runtimes.frames import Header

Ask: TypeAlias = Callable[[Header, Feeds], tuple[Header, dict[str, np.ndarray]]]
"""Sends a request to the worker that holds the session, and returns its answer."""


class RemoteSession(Closing):
    """A model opened in a worker; a context manager. Safe to use from several threads.

    Args:
        name: the runtime's, with the precision if it was asked for by name.
        ask: reaches the worker.
        opened: its answer to the opening.
    """

    def __init__(self, name: str, ask: Ask, opened: Header) -> None:
        self._name = name
        self._send = ask
        self._number = opened["session"]
        self.facts = self._facts(opened)
        self.inputs = _slots(opened["inputs"])
        self.outputs = _slots(opened["outputs"])
        self.seconds = 0.0
        """What the last run took in the worker, without the pipe."""

    def run(self, feeds: Feeds) -> Results:
        """Return every output by name, in order, exactly as the runtime gave them.

        Args:
            feeds: every input by name, in its own dtype; nothing is converted.

        Raises:
            Refused: the runtime declined these inputs.
            Crashed: its process died, hung or outgrew its limit; the session is lost.
        """
        header, results = self._ask({"ask": "run"}, feeds)
        self.facts = self._facts(header)
        self.seconds = header["seconds"]
        return results

    def measure(self, feeds: Feeds, *, repeats: int, warmup: int = 1) -> tuple[float, ...]:
        """Return the seconds of each of ``repeats`` runs, taken in the worker without the pipe.

        Raises:
            Refused, Crashed: as `run`; the time limit holds for all repeats together.
        """
        header, _ = self._ask({"ask": "measure", "repeats": repeats, "warmup": warmup}, feeds)
        return tuple(header["seconds"])

    def close(self) -> None:
        """Free the model's memory in the worker; nothing to do where that is gone already."""
        try:
            self._ask({"ask": "close"}, {})
        except Crashed:
            pass

    def _ask(self, request: Header, arrays: Feeds) -> tuple[Header, dict[str, np.ndarray]]:
        return self._send({**request, "session": self._number}, arrays)

    def _facts(self, header: Header) -> RunFacts:
        return RunFacts(**{**header["facts"], "runtime": self._name})


def _slots(described: list[Mapping[str, Any]]) -> tuple[Slot, ...]:
    return tuple(
        Slot(item["name"], item["dtype"], None if item["shape"] is None else tuple(item["shape"]))
        for item in described
    )
