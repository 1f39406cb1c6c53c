"""matrix: every form of every sample on every runtime; one warm worker each, and no crash ends it.

Two rows are measured at a time: in each, either its worker or the judge is at work, so that two cores serve them and
what is timed has one to itself.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rnn_export._version import __version__
from rnn_export.errors import RuntimeCrashed
from rnn_export.exporters import FORMS
from rnn_export.runtimes import (
    Available,
    Connection,
    KerasFile,
    OnnxFile,
    Options,
    Unavailable,
    connect,
    names,
)
from rnn_export.verifier import Outcome
from rnn_export.workflows.benchmarks.machine import describe_machine
from rnn_export.workflows.keras_process import KerasProcess
from rnn_export.workflows.matrix.files import Files
from rnn_export.workflows.matrix.probing import Probe
from rnn_export.workflows.matrix.result import (
    SOURCE,
    Entry,
    Fit,
    Matrix,
    Row,
    Sampled,
    Tried,
)
from rnn_export.workflows.matrix.samples import PRESET, Sample, samples
from rnn_export.workflows.matrix.trying import Inputs, Trials
from rnn_export.workflows.subjects import PEERS, NoSubject
from rnn_export.workflows.traits import LAYER

LIMITS = Options(time_limit=60.0, memory_limit=4 * 2**30)

FITS = (
    Fit(),
    Fit((), ("both outputs", "default direction")),
    Fit(("batch", "time")),
    Fit(("batch", "time"), ("both outputs", "default direction")),
)
"""The ways in which a file is offered, until one is taken and right."""

JOBS = min(2, os.cpu_count() or 1)

Tell = Callable[[str, int, int], None]


def measure(
    *,
    runtimes: Sequence[str] = (),
    forms: Sequence[str] = (),
    only: Sequence[str] = (),
    options: Options = LIMITS,
    jobs: int = JOBS,
    tell: Tell = lambda name, done, of: None,
) -> Matrix:
    """Return the matrix of forms and runtimes.

    Args:
        runtimes: whose rows; none for every runtime there is, missing ones too, and those of its precisions
            that differ from the strictest.
        forms: of the files; none for all, the peer's among them.
        only: names of samples; none for all.
        options: limits of the workers.
        jobs: rows that are measured at a time.
        tell: called with what has been done, how much, and of how much.

    Raises:
        UnknownRuntime: a name that no runtime has.
        NetworkError: a name that no sample has.
    """
    begun = time.perf_counter()
    chosen = samples(only)
    connections = [connect(name, options) for name in runtimes or names()]
    columns = tuple(forms) or (*FORMS, *PEERS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="rnn_export-")))
        keras = KerasProcess()
        stack.callback(keras.close)
        held = list(_files(chosen, folder, keras, tell))
        inputs = [Inputs(files.network, files.sample.padding) for files in held]
        rows: list[Row] = []
        entries: list[Entry] = []
        stop = threading.Event()
        begun_rows = itertools.count()

        def measured(connection: Connection) -> list[_Measured]:
            tell(connection.name, min(next(begun_rows), len(connections)), len(connections))
            with connection:
                first = _Measured(connection, held, inputs, columns, stop)
                first.measure()
            # Where the product's own precision is another, it is a runtime of its own.
            more = () if runtimes else first.precisions
            return [first, *(one for name in more for one in measured(precisely(connection, name)))]

        def precisely(connection: Connection, precision: str) -> Connection:
            return connect(f"{connection.name}@{precision}", options)

        with ThreadPoolExecutor(jobs) as pool:
            try:
                # From the last, which have to compile every file and take longest.
                for found in list(pool.map(measured, reversed(connections)))[::-1]:
                    rows += [one.row for one in found]
                    entries += [entry for one in found for entry in one.entries]
            except BaseException:
                stop.set()
                raise
        sampled = tuple(_sampled(files) for files in held)
    seconds = time.perf_counter() - begun
    machine = describe_machine()
    return Matrix(
        __version__, machine, columns, sampled, tuple(rows), tuple(entries), seconds, jobs
    )


def _files(
    chosen: Sequence[Sample], folder: Path, keras: KerasProcess, tell: Tell
) -> Iterator[Files]:
    for number, sample in enumerate(chosen):
        tell(f"writing {sample.name}", number, len(chosen))
        place = folder / str(number)
        place.mkdir()
        yield Files(sample, place, keras)


def _sampled(files: Files) -> Sampled:
    sample = files.sample
    sizes = (sample.batch, sample.time)
    return Sampled(sample.name, sample.kind, *sizes, files.network.digest, dict(files.without))


class _Measured:
    """One row of the matrix, measured."""

    def __init__(
        self,
        connection: Connection,
        held: Sequence[Files],
        inputs: Sequence[Inputs],
        forms: Sequence[str],
        stop: threading.Event,
    ) -> None:
        self.row = Row(connection.name)
        self.entries: list[Entry] = []
        self.precisions: tuple[str, ...] = ()
        self._trials = Trials(connection)
        self._held = list(zip(held, inputs, strict=True))
        self._forms = forms
        self._stop = stop

    def measure(self) -> None:
        """Measure; the row and the entries are then there."""
        begun = time.perf_counter()
        row = self._measured(self._trials.connection)
        crashes = sum(
            tried.outcome is Outcome.CRASHED
            for entry in self.entries
            for tried in (entry.tried, *entry.before)
        )
        self.row = replace(row, crashes=crashes, seconds=time.perf_counter() - begun)

    def _measured(self, connection: Connection) -> Row:
        row = self.row
        try:
            found = connection.probe()
        except RuntimeCrashed as crash:
            found = Unavailable(f"it crashes when it is imported: {crash.got}", crash.advice)
        if isinstance(found, Unavailable):
            return replace(row, missing=found.reason, install=found.install)
        row = replace(
            row, version=found.version, details=dict(found.details), accepts=found.accepts
        )
        return self._files_row(row, found) if "onnx" in found.accepts else self._source_row(row)

    def _samples(self) -> Iterator[tuple[Files, Inputs]]:
        """Yield the samples until the whole is to end."""
        for pair in self._held:
            if self._stop.is_set():
                return
            yield pair

    def _source_row(self, row: Row) -> Row:
        for files, inputs in self._samples():
            if "keras" not in row.accepts:
                model: KerasFile | None = None
            elif files.keras is None:
                continue
            else:
                model = KerasFile(files.keras)
            # At the sizes that are timed alone: Keras on JAX compiles for each size anew, for seconds.
            sizes = files.fixed_sizes(SOURCE, Fit(("batch", "time")))
            tried = self._trials.attempt(
                model or files.network, None, inputs, sizes, _timed(files.sample)
            )
            self.entries.append(Entry(files.sample.name, SOURCE, row.name, tried))
        return replace(row, precision=_precision(self.entries))

    def _files_row(self, row: Row, found: Available) -> Row:
        for files, inputs in self._samples():
            for form in self._forms:
                entry = self._entry(row.name, files, inputs, form)
                if entry is not None:
                    self.entries.append(entry)
        row = replace(row, precision=_precision(self.entries))
        return self._probed(row, found)

    def _entry(self, runtime: str, files: Files, inputs: Inputs, form: str) -> Entry | None:
        before: list[Tried] = []
        offered: set[bytes] = set()
        sample = files.sample
        for fit in FITS:
            subject = files.made(form, fit)
            if isinstance(subject, NoSubject):
                continue
            content = subject.path.read_bytes()
            if content in offered:
                continue
            offered.add(content)
            twin = files.same_graph(form, fit)
            known = self._known(sample.name, twin, fit)
            if known is not None and (known.agrees or fit == FITS[0]) and not before:
                own = next(e for e in self.entries if (e.sample, e.form) == (sample.name, twin))
                return Entry(sample.name, form, runtime, own.tried, own.before, twin)
            tried = self._trials.attempt(
                OnnxFile(subject.path),
                subject,
                inputs,
                files.fixed_sizes(form, fit),
                _timed(sample),
                fit=fit,
            )
            if tried.agrees:
                return Entry(sample.name, form, runtime, tried, tuple(before))
            before.append(tried)
            if tried.outcome is Outcome.PRECISION_DOWNGRADED:
                break  # No other file makes it finer.
        if not before:
            return None
        return Entry(sample.name, form, runtime, before[0], tuple(before[1:]))

    def _known(self, sample: str, form: str, fit: Fit) -> Tried | None:
        for entry in self.entries:
            if form and (entry.sample, entry.form) == (sample, form):
                tries = (entry.tried, *entry.before)
                return next((tried for tried in tries if tried.fit == fit), None)
        return None

    def _probed(self, row: Row, found: Available) -> Row:
        """Ask about sizes, opsets, bodies and precisions, by the layer's files that agreed."""
        layer = next(((f, i) for f, i in self._held if f.sample.name == LAYER), None)
        agreed = {
            entry.form: entry.tried
            for entry in self.entries
            if entry.sample == LAYER and entry.tried.agrees and entry.form in FORMS
        }
        if layer is None or not agreed:
            return row
        probe = Probe(self._trials, *layer)
        first, tried = next(iter(agreed.items()))
        if "@" not in row.name:
            self.precisions = tuple(probe.precisions(first, tried, found.precisions[1:]))
        return replace(
            row,
            fixed={form: probe.fixed(form, tried) for form, tried in agreed.items()},
            opsets=probe.opsets(first, tried),
            bodies=probe.bodies(),
        )


def _timed(sample: Sample) -> tuple[int, int] | None:
    """Return the sizes to time: a small network's time says nothing."""
    return (sample.batch, sample.time) if sample.kind == PRESET else None


def _precision(entries: Sequence[Entry]) -> str:
    stated: Mapping[str, None] = dict.fromkeys(
        entry.tried.precision for entry in entries if entry.tried.precision
    )
    return " or ".join(stated)
