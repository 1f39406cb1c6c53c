"""verify: run a source, and the files made from it, on runtimes; judge what they show; report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rnn_export.errors import NetworkError, RuntimeCrashed, RuntimeRefused, RuntimeUnavailable
from rnn_export.network import Network
from rnn_export.network.streaming import streaming
from rnn_export.runtimes import (
    Connection,
    KerasFile,
    OnnxFile,
    Options,
    RemoteSession,
    Unavailable,
    connect,
)
from rnn_export.verifier import (
    CaseResult,
    Envelope,
    InputSet,
    Observation,
    Outcome,
    Report,
    Verdict,
    design,
    judge,
)
from rnn_export.verifier.grounds import Grounds, grounds
from rnn_export.verifier.inputs.designing import EVERY_TOKEN
from rnn_export.verifier.verdicts import AGREEMENTS
from rnn_export.workflows import sources, subjects
from rnn_export.workflows.observing import observe, strange_inputs
from rnn_export.workflows.probing import Probes
from rnn_export.workflows.subjects import NoSubject, Subject

if TYPE_CHECKING:
    from rnn_export.verifier.profile import Profile
    from rnn_export.workflows.pages import Pictures

DEFAULT_RUNTIMES = ("keras:tensorflow", "numpy", "onnxruntime:cpu")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What `verify` was asked for, beside the source.

    Args:
        seed: of the inputs.
        allow_precision: bits from which PRECISION-DOWNGRADED is permitted; None for never.
        options: of the workers.
        evidence: takes every observation, or None.
        progress: told each step, for people.
        pictures: gathers what an HTML report draws, or None.
    """

    seed: int = 0
    allow_precision: float | None = None
    options: Options = field(default_factory=Options)
    evidence: Path | None = None
    progress: Progress = lambda text: None
    pictures: Pictures | None = None


def verify(
    source: Any,
    files: str | Path | Sequence[str | Path] = (),
    *,
    forms: Sequence[str] | None = None,
    runtimes: Sequence[str] = DEFAULT_RUNTIMES,
    require: Sequence[str] = (),
    seed: int = 0,
    allow_precision: float | None = None,
    evidence: str | Path | None = None,
    allow_nonfinite: bool = False,
    export_options: Mapping[str, Any] | None = None,
    options: Options | None = None,
    connections: Mapping[str, Connection] | None = None,
    progress: Progress | None = None,
    pictures: Pictures | None = None,
) -> Report:
    """Return the report on a source: what each runtime showed, and what is said of it.

    Args:
        source: a `.keras` or `.h5` file, a live keras.Model, a preset's name, a TOML description, a network.
        files: ONNX files to judge.
        forms: which forms to export and judge beside them; "loop" is Keras' own translation. None: "rnn",
            unless files are named.
        runtimes: who runs; Keras and numpy run the source itself, the others the files.
        require: runtimes without whose pass there is none; they are run as well.
        seed: of the inputs.
        allow_precision: significant bits from which coarser arithmetic than the source's is permitted.
        evidence: an empty folder for every observation, for `judge`; None to keep none.
        allow_nonfinite: read weights that are NaN or infinite.
        export_options: for `export` (opset, batch, time, padding).
        options: of the runtimes (threads, limits).
        connections: runtimes that are connected already, by name; they are left open, for the next source.
        progress: called with a line of text before each step.
        pictures: gathers what an HTML report draws (`workflows.pages`).

    Raises:
        ReadError: a source or file that is missing or cannot be read.
        UnknownRuntime: a name that no runtime has.
        ExportError: an option that no form can follow.
    """
    plan = Plan(
        seed,
        allow_precision,
        options or Options(),
        None if evidence is None else Path(evidence),
        progress or (lambda text: None),
        pictures,
    )
    names = tuple(dict.fromkeys((*runtimes, *require)))
    warm = connections or {}
    # All names are looked up before any work is done.
    own = {name: connect(name, plan.options) for name in names if name not in warm}
    listed = [files] if isinstance(files, (str, Path)) else list(files)
    wanted = forms if forms is not None else () if listed else ("rnn",)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="rnn_export-")))
        plan.progress("reading the source (keras file)")
        opened = stack.enter_context(
            sources.opened(source, folder, allow_nonfinite=allow_nonfinite)
        )
        if plan.evidence is not None:
            from rnn_export.workflows.evidence import begin

            begin(plan.evidence, opened)
        found: list[Subject | NoSubject] = []
        for number, file in enumerate(listed):
            place = folder / f"file-{number}"
            place.mkdir()
            found.append(subjects.opened(opened.network, Path(file), place, file=str(file)))
        for form in wanted:
            plan.progress(f"exporting {form}" + (" (tf2onnx)" if form in subjects.PEERS else ""))
            found.append(
                subjects.made(opened.network, opened.keras, form, folder, export_options or {})
            )
        for subject in found:
            if pictures is not None and isinstance(subject, Subject):
                pictures.see_file(subject)
        cases: list[CaseResult] = []
        legs = _legs(opened, found, plan.seed)
        for name in names:
            plan.progress(f"running {name}")
            connection = own[name] if name in own else warm[name]
            try:
                for leg, subjects_of, designs in legs:
                    cases += _Runs(leg, subjects_of, name, connection, plan, designs).cases()
            finally:
                if name in own:
                    connection.close()
        # While the source's weights can still be read.
        rests_on = legs[0][2].grounds()
    good = {case.file for case in cases if case.outcome in AGREEMENTS or case.permitted}
    unproven = tuple(str(file) for file in listed if str(file) not in good)
    return Report(
        opened.name,
        tuple(cases),
        tuple(require),
        opened.network.digest,
        unproven,
        rests_on,
    )


_Leg = tuple[sources.Opened, list[Subject | NoSubject], "_Designs"]


def _legs(opened: sources.Opened, found: Sequence[Subject | NoSubject], seed: int) -> list[_Leg]:
    """Return the source with the files that are to equal it, and its streaming version with those of its kind.

    Keras runs the source as it is: it has no streaming version of its own.
    """
    plain: list[Subject | NoSubject] = []
    streams: list[Subject | NoSubject] = []
    for one in found:
        (streams if isinstance(one, Subject) and one.streams else plain).append(one)
    legs = [(opened, plain, _Designs(opened.network, seed))]
    if streams:
        network = streaming(opened.network)
        leg = replace(opened, network=network, keras=None, without="")
        legs.append((leg, streams, _Designs(network, seed)))
    return legs


class _Designs:
    """The input sets of a network, designed once for all runtimes that take the same sizes."""

    def __init__(self, network: Network, seed: int) -> None:
        self._network = network
        self._seed = seed
        self._made: dict[tuple[object, ...], tuple[InputSet, ...]] = {}

    def sets(self, padding: str, pinned: Mapping[str, int]) -> tuple[InputSet, ...]:
        """Return the sets for files that assume ``padding`` and fix the sizes ``pinned``."""
        key = (padding, *sorted(pinned.items()))
        if key not in self._made:
            self._made[key] = design(self._network, seed=self._seed, padding=padding, pinned=pinned)
        return self._made[key]

    def grounds(self) -> Grounds | None:
        """Return what the sets that were run show; None where none were."""
        made = next(iter(self._made.values()), ())
        return grounds(self._network, made)


class _Runs:
    """All cases of one runtime."""

    def __init__(
        self,
        opened: sources.Opened,
        found: Sequence[Subject | NoSubject],
        name: str,
        connection: Connection,
        plan: Plan,
        designs: _Designs,
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
            if inputs.idle and verdict.outcome == Outcome.UNVERIFIABLE:
                continue  # One step from a zero state: it could only have failed.
            case = replace(
                blank,
                verdict=replace(verdict, coverage=inputs.coverage),
                placement=placement,
                inputs=_described(inputs),
                seconds=time.perf_counter() - started,
                permitted=self._permits(verdict),
                profile=drawn,
            )
            yield case
            if verdict.outcome == Outcome.CRASHED:
                return

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
