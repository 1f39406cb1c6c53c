"""All cases of one runtime: the source or its files are opened there, run on every input set, and judged."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from rnn_export.errors import NetworkError, RuntimeCrashed, RuntimeRefused, RuntimeUnavailable
from rnn_export.network import Network
from rnn_export.runtimes import Connection, KerasFile, OnnxFile, RemoteSession, Unavailable
from rnn_export.verifier import (
    CaseResult,
    Envelope,
    InputSet,
    Observation,
    Outcome,
    Verdict,
    judge,
)
from rnn_export.verifier.inputs.designing import EVERY_TOKEN
from rnn_export.workflows.designs import Designs
from rnn_export.workflows.observing import observe, strange_inputs
from rnn_export.workflows.plan import Plan
from rnn_export.workflows.probing import Probes
from rnn_export.workflows.sources import Opened
from rnn_export.workflows.subjects import NoSubject, Subject

if TYPE_CHECKING:
    from rnn_export.verifier.profile import Profile


class Runs:
    """All cases of one runtime.

    Args:
        opened: the source.
        found: the files that are to equal it.
        name, connection: the runtime.
        plan: what was asked for.
        designs: the input sets.
    """

    def __init__(
        self,
        opened: Opened,
        found: Sequence[Subject | NoSubject],
        name: str,
        connection: Connection,
        plan: Plan,
        designs: Designs,
    ) -> None:
        self.opened = opened
        self.network = opened.network
        self.found = found
        self.name = name
        self.connection = connection
        self.plan = plan
        self.designs = designs
        self.probes = Probes(connection)

    def cases(self) -> Iterator[CaseResult]:
        try:
            probed = self.connection.probe()
        except RuntimeCrashed as error:
            yield self._case("", Outcome.CRASHED, str(error))
            return
        if isinstance(probed, Unavailable):
            yield self._case("", Outcome.UNAVAILABLE, f"{probed.reason}. {probed.install}")
            return
        if "onnx" not in probed.accepts:
            yield from self._source(probed.accepts, probed.version)
            return
        for subject in self.found:
            if isinstance(subject, NoSubject):
                outcome = Outcome.UNAVAILABLE if subject.missing else Outcome.UNSUPPORTED
                yield self._case(subject.form, outcome, subject.reason)
            else:
                yield from self._run(OnnxFile(subject.path), subject, probed.version)

    def _source(self, accepts: Sequence[str], version: str) -> Iterator[CaseResult]:
        """Run the source itself: Keras its original file, the reference the network."""
        if "keras" in accepts:
            if self.opened.keras is not None:
                yield from self._run(KerasFile(self.opened.keras), None, version)
            elif self.opened.without:
                yield self._case("", Outcome.UNAVAILABLE, self.opened.without)
        else:
            yield from self._run(self.network, None, version)

    def _run(
        self, model: OnnxFile | KerasFile | Network, subject: Subject | None, version: str
    ) -> Iterator[CaseResult]:
        form = subject.form if subject else ""
        file = subject.file if subject else ""
        blank = self._case(form, Outcome.PASS, "", version=version, file=file)
        try:
            # First, since a runtime that dies of the probe takes every open model with it.
            envelope = self._envelope(model, subject)
            with self.connection.open(model) as session, ExitStack() as stack:
                wrong = strange_inputs(self.network, session)
                if wrong is not None:
                    yield replace(blank, verdict=Verdict(Outcome.FAIL, wrong))
                    return
                tapped = self._tapped(subject, stack)
                yield from self._sets(session, tapped, subject, envelope, blank)
        except (RuntimeRefused, RuntimeCrashed, RuntimeUnavailable) as error:
            yield replace(blank, verdict=_of(error))

    def _tapped(self, subject: Subject | None, stack: ExitStack) -> RemoteSession | None:
        """Open the tapped copy; a runtime may decline it and still run the shipped file."""
        if subject is None or subject.tapped is None:
            return None
        try:
            return stack.enter_context(self.connection.open(OnnxFile(subject.tapped)))
        except RuntimeRefused:
            return None

    def _envelope(self, model: OnnxFile | KerasFile | Network, subject: Subject | None) -> Envelope:
        """Probe the runtime as it runs this form; where it shows no states, the default is good enough."""
        if isinstance(model, Network):
            return self.probes.envelope(self.network, "")
        if subject is None or subject.tapped is None:
            return Envelope()
        return self.probes.envelope(self.network, subject.form)

    def _sets(
        self,
        session: RemoteSession,
        tapped: RemoteSession | None,
        subject: Subject | None,
        envelope: Envelope,
        blank: CaseResult,
    ) -> Iterator[CaseResult]:
        padding = subject.padding if subject else "any"
        pinned = _pinned(self.network, session)
        try:
            sets = self.designs.sets(padding, pinned)
        except NetworkError as error:
            yield replace(blank, verdict=Verdict(Outcome.UNVERIFIABLE, f"no inputs: {error}"))
            return
        if subject is not None and tapped is None:
            envelope = Envelope()
        told, left_out = False, None
        for inputs in sets:
            if inputs.kind == EVERY_TOKEN and tapped is None:
                continue
            started = time.perf_counter()
            try:
                observation = observe(self.network, session, tapped, subject, inputs, envelope)
                verdict = judge(self.network, observation)
                self._keep(observation, inputs, blank)
                placement = observation.facts.placement
                drawn = self._drawn(observation, inputs)
            except (RuntimeRefused, RuntimeCrashed) as error:
                verdict, placement, drawn = _of(error), {}, None
            case = replace(
                blank,
                verdict=replace(verdict, coverage=inputs.coverage),
                placement=placement,
                inputs=_described(inputs),
                seconds=time.perf_counter() - started,
                permitted=self._permits(verdict),
                profile=drawn,
            )
            if inputs.idle and verdict.outcome == Outcome.UNVERIFIABLE:
                left_out = left_out or case
                continue  # One step from a zero state: it could only have failed.
            told = True
            yield case
            if verdict.outcome == Outcome.CRASHED:
                return
        if not told and left_out is not None:
            # A file that only ever takes one step: the reader is to know why nothing passed.
            yield left_out

    def _permits(self, verdict: Verdict) -> bool:
        bits = self.plan.allow_precision
        return (
            verdict.outcome == Outcome.PRECISION_DOWNGRADED
            and bits is not None
            and (verdict.effective_bits or 0.0) >= bits
        )

    def _keep(self, observation: Observation, inputs: InputSet, blank: CaseResult) -> None:
        if self.plan.evidence is not None:
            from rnn_export.workflows.evidence import keep

            keep(self.plan.evidence, observation, inputs, blank.file)

    def _drawn(self, observation: Observation, inputs: InputSet) -> Profile | None:
        # The set of every token is large, and its curves are those of the long set.
        if self.plan.pictures is None or inputs.kind == EVERY_TOKEN:
            return None
        return self.plan.pictures.see_run(self.network, observation)

    def _case(
        self, form: str, outcome: Outcome, reason: str, *, version: str = "", file: str = ""
    ) -> CaseResult:
        return CaseResult(form, self.name, Verdict(outcome, reason), version, file=file)


def _of(error: RuntimeRefused | RuntimeCrashed | RuntimeUnavailable) -> Verdict:
    """Return a runtime's failure as a verdict, in its own words."""
    if isinstance(error, RuntimeUnavailable):
        return Verdict(Outcome.UNAVAILABLE, str(error))
    outcome = Outcome.CRASHED if isinstance(error, RuntimeCrashed) else Outcome.UNSUPPORTED
    return Verdict(outcome, str(error))


def _pinned(network: Network, session: RemoteSession) -> dict[str, int]:
    """Return the sizes that the opened model fixes where the network leaves them free."""
    slots = {slot.name: slot for slot in session.inputs}
    found: dict[str, int] = {}
    for port in network.inputs:
        slot = slots.get(port.name)
        shape = network.spec(port.tensor).shape
        if slot is None or slot.shape is None or len(slot.shape) != len(shape):
            continue
        pairs = zip(shape, slot.shape, strict=True)
        found |= {
            dim: size for dim, size in pairs if isinstance(dim, str) and isinstance(size, int)
        }
    return found


def _described(inputs: InputSet) -> dict[str, object]:
    return {
        "kind": inputs.kind,
        "batch": inputs.batch,
        "time": inputs.time,
        "seed": inputs.seed,
    }
