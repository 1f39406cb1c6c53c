"""One model called by several at once, each with its own rows: a batch shares out where a step does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from rnn_export.runtimes import feeds as inputs_check
from rnn_export.runtimes.contract import (
    Feeds,
    Model,
    Options,
    Results,
    RunFacts,
    Runtime,
    Session,
    Slot,
)
from rnn_export.runtimes.failures import Refused

Waiting: TypeAlias = Callable[[], Results]
"""Waits for a run that was started, and returns what it gave or raises what it raised; may be called again."""


class Started(Protocol):
    """A session whose runs go on while the caller does something else; one at a time."""

    def start(self, feeds: Feeds) -> Waiting:
        """Begin a run on inputs that have been found to fit."""
        ...

    def close(self) -> None:
        """Let go of the model's memory."""
        ...


@runtime_checkable
class Starting(Protocol):
    """A runtime that has threads of its own to run a session on."""

    def open_started(self, model: Model, options: Options) -> Started:
        """Load ``model`` for one more caller, beside whoever asks."""
        ...


class Threaded:
    """A session of any runtime on a thread of Python's.

    Args:
        session: not used by anyone else.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._thread = ThreadPoolExecutor(1, "caller")

    def start(self, feeds: Feeds) -> Waiting:
        return self._thread.submit(self._session.run, feeds).result

    def close(self) -> None:
        self._thread.shutdown()
        self._session.close()


class Callers:
    """Sessions of one model that run side by side, as one session; it serves one caller at a time itself.

    The batch is the first axis of all inputs and outputs, and no row depends on another.

    Args:
        first: run by whoever asks.
        others: at least one, started before that.
    """

    def __init__(self, first: Session, others: Sequence[Started]) -> None:
        self._first = first
        self._others = tuple(others)
        self._count = 1 + len(self._others)
        self._name = first.facts.runtime
        self.inputs = tuple(map(self._whole, first.inputs))
        self.outputs = tuple(map(self._whole, first.outputs))

    @property
    def facts(self) -> RunFacts:
        facts = self._first.facts
        return replace(facts, details={**facts.details, "callers": str(self._count)})

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
        callers = max(1, min(self._count, rows))
        ends = [number * rows // callers for number in range(callers + 1)]
        shares = [
            {name: array[start:end] for name, array in feeds.items()}
            for start, end in pairwise(ends)
        ]
        waiting: list[Waiting] = []
        try:
            for other, share in zip(self._others, shares[1:], strict=False):
                waiting.append(other.start(share))
            first = self._first.run(shares[0])
        finally:
            # Nobody is left running in a session that the next call wants, or when the program ends.
            ended = [_outcome(each) for each in waiting]
        results = [first]
        for outcome in ended:
            if isinstance(outcome, BaseException):
                raise outcome
            results.append(outcome)
        if len(results) == 1:
            return first
        return {name: np.concatenate([each[name] for each in results]) for name in first}

    def close(self) -> None:
        """Let go of every session."""
        self._first.close()
        for other in self._others:
            other.close()

    def _whole(self, slot: Slot) -> Slot:
        """Return an input or output of one caller as that of all."""
        if not slot.shape or not isinstance(slot.shape[0], int):
            return slot
        return replace(slot, shape=(slot.shape[0] * self._count, *slot.shape[1:]))


def open_shared(runtime: Runtime, model: Model, options: Options) -> Session:
    """Open a model for as many callers as the options say.

    Raises:
        Refused, and whatever the runtime raises: it does not take the model.
    """
    first = runtime.open(model, options)
    if options.callers == 1:
        return first
    others = (_started(runtime, model, options) for _ in range(1, options.callers))
    return Callers(first, tuple(others))


def _started(runtime: Runtime, model: Model, options: Options) -> Started:
    if isinstance(runtime, Starting):
        return runtime.open_started(model, options)
    return Threaded(runtime.open(model, options))


def _outcome(waiting: Waiting) -> Results | BaseException:
    """Wait whatever comes, and return what the run gave, or what is to be raised when all have ended."""
    stopped: BaseException | None = None
    while True:
        try:
            results = waiting()
        except Exception as error:
            return stopped or error
        except BaseException as stop:
            # Ctrl-C, which does not end what runs in native code.
            stopped = stop
        else:
            return stopped or results
