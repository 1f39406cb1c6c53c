"""verify: run a source, and the files made from it, on runtimes; judge what they show; report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rnn_export.network.streaming import streaming
from rnn_export.runtimes import Connection, Options, connect
from rnn_export.verifier import CaseResult, Report
from rnn_export.verifier.verdicts import AGREEMENTS
from rnn_export.workflows import sources, subjects
from rnn_export.workflows.designs import Designs
from rnn_export.workflows.plan import Plan, Progress
from rnn_export.workflows.runs import Runs
from rnn_export.workflows.subjects import NoSubject, Subject

if TYPE_CHECKING:
    from rnn_export.workflows.pages import Pictures

DEFAULT_RUNTIMES = ("keras:tensorflow", "numpy", "onnxruntime:cpu")


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
                    cases += Runs(leg, subjects_of, name, connection, plan, designs).cases()
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


_Leg = tuple[sources.Opened, list[Subject | NoSubject], Designs]


def _legs(opened: sources.Opened, found: Sequence[Subject | NoSubject], seed: int) -> list[_Leg]:
    """Return the source with the files that are to equal it, and its streaming version with those of its kind.

    Keras runs the source as it is: it has no streaming version of its own.
    """
    plain: list[Subject | NoSubject] = []
    streams: list[Subject | NoSubject] = []
    for one in found:
        (streams if isinstance(one, Subject) and one.streams else plain).append(one)
    legs = [(opened, plain, Designs(opened.network, seed))]
    if streams:
        network = streaming(opened.network)
        leg = replace(opened, network=network, keras=None, without="")
        legs.append((leg, streams, Designs(network, seed)))
    return legs
