"""Trying one file on one runtime: open it, run it, judge what it shows, and time it if it agrees."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np

from rnn_export.errors import NetworkError, RuntimeCrashed, RuntimeRefused, RuntimeUnavailable
from rnn_export.network import Network
from rnn_export.runtimes import Connection, KerasFile, OnnxFile, Options, RemoteSession
from rnn_export.verifier import Envelope, InputSet, Outcome, Verdict, design, judge
from rnn_export.workflows.examples import example
from rnn_export.workflows.matrix.result import Fit, Tried
from rnn_export.workflows.observing import observe, strange_inputs
from rnn_export.workflows.probing import Probes
from rnn_export.workflows.subjects import Subject

FIRST, SECOND = "odd", "three steps"
"""The inputs: sizes that are all different; then others, on the same opened model."""

WORST = (
    Outcome.FAIL,
    Outcome.CRASHED,
    Outcome.PRECISION_DOWNGRADED,
    Outcome.UNSUPPORTED,
    Outcome.UNAVAILABLE,
    Outcome.UNVERIFIABLE,
    Outcome.KNOWN_DIFFERENCE,
    Outcome.PASS,
)

SHARE = 0.06
"""Seconds for timing one file: enough for a median, few enough for a thousand files."""

LEAST, MOST = 3, 101


@dataclass
class Inputs:
    """The inputs of one network, each made once.

    Args:
        network: to be run.
        padding: what its files promise.
    """

    network: Network
    padding: str = "any"
    _made: dict[tuple[object, ...], InputSet | None] = field(default_factory=dict)

    def of(self, kind: str, sizes: Mapping[str, int]) -> InputSet | None:
        """Return an input set for a file that fixes ``sizes``; None where there is no such set."""
        key = (kind, *sorted(sizes.items()))
        if key not in self._made:
            found = design(self.network, padding=self.padding, pinned=sizes, kinds=(kind,))
            self._made[key] = found[0] if found else None
        return self._made[key]


class Trials:
    """Tries files on one runtime.

    Args:
        connection: to it.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._probes = Probes(connection)

    def attempt(
        self,
        model: OnnxFile | KerasFile | Network,
        subject: Subject | None,
        inputs: Inputs,
        fixed: Mapping[str, int],
        timed: tuple[int, int] | None = None,
        *,
        fit: Fit | None = None,
        options: Options | None = None,
    ) -> Tried:
        """Return what comes of one file; whatever the runtime does, it is a result.

        Args:
            model, subject: what runs; the subject with its taps, None where the source itself runs.
            inputs: of its network.
            fixed: sizes that the file has for good.
            timed: batch and time to be timed, if it agrees; None not to time it.
            fit: of the file.
            options: in place of the connection's.
        """
        begun = Tried(Outcome.PASS, fit=fit or Fit())
        # First, since a runtime that dies of the probe takes every open model with it.
        envelope = Envelope()
        if subject is not None and subject.tapped is not None:
            envelope = self._probes.envelope(inputs.network, subject.form)
        try:
            with self.connection.open(model, options) as session, ExitStack() as stack:
                tapped = _tapped(self.connection, subject, options, stack)
                tried = self._judged(begun, session, tapped, subject, inputs, fixed, envelope)
                if tried.agrees and timed is not None:
                    tried = replace(tried, seconds=_timed(session, inputs.network, *timed))
                return tried
        except RuntimeRefused as error:
            return replace(begun, outcome=Outcome.UNSUPPORTED, reason=error.got)
        except RuntimeCrashed as error:
            words = f"{error.got}. {error.advice}" if error.advice else error.got
            return replace(begun, outcome=Outcome.CRASHED, reason=words)
        except RuntimeUnavailable as error:
            return replace(begun, outcome=Outcome.UNAVAILABLE, reason=error.got)
        except NetworkError as error:
            return replace(begun, outcome=Outcome.UNVERIFIABLE, reason=f"no inputs: {error}")

    def seconds(
        self,
        model: OnnxFile,
        network: Network,
        batch: int,
        time: int,
        options: Options | None = None,
    ) -> float | None:
        """Return the median of one run's seconds, judged or not; None where the runtime does not run it."""
        try:
            with self.connection.open(model, options) as session:
                return _timed(session, network, batch, time)
        except (RuntimeRefused, RuntimeCrashed, RuntimeUnavailable):
            return None

    def _judged(
        self,
        tried: Tried,
        session: RemoteSession,
        tapped: RemoteSession | None,
        subject: Subject | None,
        inputs: Inputs,
        fixed: Mapping[str, int],
        envelope: Envelope,
    ) -> Tried:
        network = inputs.network
        wrong = strange_inputs(network, session)
        if wrong is not None:
            return replace(tried, outcome=Outcome.FAIL, reason=wrong)
        for feeds in _sets(inputs, fixed, session, subject):
            # Without taps errors travel, and the default is good enough.
            kept = Envelope() if tapped is None else envelope
            observation = observe(network, session, tapped, subject, feeds, kept)
            verdict = judge(network, observation)
            if feeds.idle and verdict.outcome is Outcome.UNVERIFIABLE:
                continue  # It could only have failed.
            tried = _worse(tried, verdict)
        if not tried.model:
            return replace(tried, outcome=Outcome.UNVERIFIABLE, reason="nothing was compared")
        facts = session.facts
        return replace(
            tried,
            pinned=facts.details.get("pinned", ""),
            precision=facts.precision,
            placement=dict(facts.placement),
        )


def _sets(
    inputs: Inputs, fixed: Mapping[str, int], session: RemoteSession, subject: Subject | None
) -> Iterator[InputSet]:
    first = inputs.of(FIRST, fixed)
    if first is None:
        raise NetworkError("inputs", expected=f"a set {FIRST!r}", got="none")
    yield first
    # What is compiled for each size anew would be another program, and takes seconds; so does Keras on JAX.
    if subject is None or "pinned" in session.facts.details:
        return
    second = inputs.of(SECOND, fixed)
    if second is not None and _sizes(second) != _sizes(first):
        yield second


def _sizes(inputs: InputSet) -> tuple[int, int | None]:
    return inputs.batch, inputs.time


def _tapped(
    connection: Connection, subject: Subject | None, options: Options | None, stack: ExitStack
) -> RemoteSession | None:
    if subject is None or subject.tapped is None:
        return None
    try:
        return stack.enter_context(connection.open(OnnxFile(subject.tapped), options))
    except RuntimeRefused:
        return None


def _worse(tried: Tried, verdict: Verdict) -> Tried:
    """Return the two as one: the worse outcome with its reason, the larger errors."""
    worse = WORST.index(verdict.outcome) < WORST.index(tried.outcome) or not tried.model
    return replace(
        tried,
        outcome=verdict.outcome if worse else tried.outcome,
        reason=verdict.reason if worse else tried.reason,
        diagnosis=(verdict.diagnosis or "") if worse else tried.diagnosis,
        model=verdict.model if worse else tried.model,
        max_ratio=_most(tried.max_ratio, verdict.max_ratio),
        max_abs_error=_most(tried.max_abs_error, verdict.max_abs_error),
        effective_bits=_least(tried.effective_bits, verdict.effective_bits),
    )


def _timed(session: RemoteSession, network: Network, batch: int, time: int) -> float:
    """Return the median of one run's seconds, in the worker."""
    feeds = {name: np.asarray(values) for name, values in example(network, batch, time).items()}
    first = statistics.median(session.measure(feeds, repeats=LEAST))
    repeats = int(min(MOST, SHARE / max(first, 1e-9)))
    if repeats <= LEAST:
        return first
    return statistics.median(session.measure(feeds, repeats=repeats, warmup=0))


def _most(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _least(one: float | None, other: float | None) -> float | None:
    return min((value for value in (one, other) if value is not None), default=None)
