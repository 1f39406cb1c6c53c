"""One model called from several threads at once, each with its own rows: a batch shares out where a step does not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

import numpy as np

from rnn_export.runtimes import feeds as inputs_check
from rnn_export.runtimes.contract import Feeds, Results, RunFacts, Session, Slot
from rnn_export.runtimes.failures import Refused


class Callers:
    """Sessions of one model that run side by side, as one session; it serves one caller at a time itself.

    Args:
        sessions: one for each caller, at least 2, with the batch as the first axis of all inputs and outputs,
            and with no row depending on another.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        self._sessions = tuple(sessions)
        first = self._sessions[0]
        self._name = first.facts.runtime
        self.inputs = tuple(map(self._whole, first.inputs))
        self.outputs = tuple(map(self._whole, first.outputs))
        # The thread that asks is one of the callers.
        self._threads = ThreadPoolExecutor(len(self._sessions) - 1, "caller")

    @property
    def facts(self) -> RunFacts:
        facts = self._sessions[0].facts
        return replace(facts, details={**facts.details, "callers": str(len(self._sessions))})

    def run(self, feeds: Feeds) -> Results:
        """Return every output of all rows, in order.

        Raises:
            Refused: inputs that do not fit the model, or of different numbers of rows.
        """
        inputs_check.check(self._name, self.inputs, feeds)
        counts = {name: array.shape[0] for name, array in feeds.items()}
        if len(set(counts.values())) != 1:
            got = ", ".join(f"{count} of {name!r}" for name, count in counts.items())
            raise Refused(f"runtime {self._name}", expected="inputs of one number of rows", got=got)
        rows = next(iter(counts.values()))
        callers = max(1, min(len(self._sessions), rows))
        ends = [number * rows // callers for number in range(callers + 1)]
        shares = [
            {name: array[start:end] for name, array in feeds.items()}
            for start, end in itertools.pairwise(ends)
        ]
        waiting = [
            self._threads.submit(session.run, share)
            for session, share in zip(self._sessions[1:], shares[1:], strict=False)
        ]
        try:
            first = self._sessions[0].run(shares[0])
        finally:
            # Nobody is left running in a session that the next call wants.
            wait(waiting)
        if not waiting:
            return first
        results = [first, *(each.result() for each in waiting)]
        return {name: np.concatenate([each[name] for each in results]) for name in first}

    def close(self) -> None:
        """Let go of every session."""
        self._threads.shutdown()
        for session in self._sessions:
            session.close()

    def _whole(self, slot: Slot) -> Slot:
        """Return an input or output of one caller as that of all."""
        if not slot.shape or not isinstance(slot.shape[0], int):
            return slot
        return replace(slot, shape=(slot.shape[0] * len(self._sessions), *slot.shape[1:]))
