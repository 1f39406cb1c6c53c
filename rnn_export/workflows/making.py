"""One artifact: its Keras file, the exports of what is read back from it, their verification, the store."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rnn_export import presets
from rnn_export.errors import ReadError, RnnExportError
from rnn_export.exporters import export
from rnn_export.network import Network
from rnn_export.readers import read
from rnn_export.reports.documents import document
from rnn_export.runtimes import Connection, connect
from rnn_export.store import Staging, stage
from rnn_export.store.writing import storing
from rnn_export.verifier import CaseResult, Report
from rnn_export.workflows import examples
from rnn_export.workflows.artifact import REQUIRED, Artifact, Settings
from rnn_export.workflows.clock import Clock
from rnn_export.workflows.exporting import network_of
from rnn_export.workflows.faults import as_fault
from rnn_export.workflows.keras_process import KerasProcess
from rnn_export.workflows.pages import Pictures
from rnn_export.workflows.resuming import is_finished
from rnn_export.workflows.verification import verify

DESCRIBED = ("preset", "toml", "python")
"""Kinds of source that Keras has yet to build; the others are Keras files already."""

PEER = "loop"

PATIENCE = 20.0
"""Seconds to wait for another build of the same artifact; one whose program was killed stops sooner."""


class Workshop:
    """Makes artifacts one after the other, its runtimes warm between them; a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        names = dict.fromkeys((*REQUIRED, *settings.runtimes))
        self._connections: dict[str, Connection] = {name: connect(name) for name in names}
        self._keras = KerasProcess()

    def make(self, name: str, source: str) -> Artifact:
        """Make one artifact; an error is kept in it, so that it ends no other's making.

        Args:
            name: of the artifact.
            source: a preset, a Keras file, or FILE.toml:NAME.
        """
        clock = Clock()
        begun = Artifact(name, source, self._settings.out / name)
        try:
            clock.step("keras file")
            network = network_of(source, allow_nonfinite=self._settings.allow_nonfinite)
            if self._settings.resume and is_finished(begun.folder, network, self._settings):
                return replace(begun, kept=True, seconds=clock.seconds())
            with stage(self._settings.out, name, wait=PATIENCE) as staging:
                done = self._made(begun, network, staging, clock)
        except RnnExportError as error:
            done = replace(begun, error=error)
        except Exception as error:
            done = replace(begun, error=as_fault(source, "to be built", error))
        return replace(done, seconds=clock.seconds())

    def _made(self, begun: Artifact, network: Network, staging: Staging, clock: Clock) -> Artifact:
        network = self._keras_file(network, begun.source, staging)
        model = Path(network.source.location)
        clock.step("export")
        files = []
        for form in self._settings.forms:
            files.append(staging.folder / f"{form}.onnx")
            export(network, form=form).save(files[-1])
        sizes = presets.PRESETS.get(begun.source)
        batch, steps = (sizes.batch, sizes.time) if sizes else examples.SIZES
        examples.store_example(network, staging, batch, steps)
        report, pages = self._verified(begun, model, files, clock)
        clock.step("store")
        if report.exit_code and (report.missing or not report.agreed):
            return replace(begun, report=report, rejected=staging.reject())
        return replace(begun, report=report, changed=staging.commit(network.digest, pages))

    def _keras_file(self, network: Network, source: str, staging: Staging) -> Network:
        """Put the Keras file into the artifact and return the network that is read back from it."""
        if network.source.kind not in DESCRIBED:
            place = staging.folder / f"model{Path(source).suffix}"
            with storing(place):
                shutil.copyfile(source, place)
            return read(place, allow_nonfinite=self._settings.allow_nonfinite)
        place = staging.folder / "model.keras"
        self._keras.save(network, place)
        found = read(place)
        if found.digest != network.digest:
            raise ReadError(
                source,
                expected="its Keras file to read back as the same network",
                got=f"digest {found.digest[:12]} in place of {network.digest[:12]}",
                advice="This is a fault of rnn_export; please report it.",
            )
        before = staging.before(place.name)
        if before is not None and _same(before, found):
            # Saved twice, a Keras file has other bytes, for it holds dates.
            place.unlink()
            staging.keep(place.name)
            found = read(place)
        return found

    def _verified(
        self, begun: Artifact, model: Path, files: list[Path], clock: Clock
    ) -> tuple[Report, dict[str, bytes]]:
        """Verify the exports, and beside them the peer's translation; return the report, and its files."""
        with TemporaryDirectory(prefix="rnn_export-") as folder:
            peer = Path(folder) / f"{PEER}.onnx"
            clock.step(f"translating to {PEER}")
            try:
                self._keras.translate(model, peer)
            except RnnExportError:
                # Whatever is wrong: `verify` meets it again, in a fresh process, and makes a case of it.
                named, forms = files, [PEER]
            else:
                named, forms = [*files, peer], []
            pictures = Pictures()
            report = verify(
                model,
                named,
                forms=forms,
                connections=self._connections,
                require=REQUIRED,
                runtimes=tuple(self._connections),
                seed=self._settings.seed,
                allow_nonfinite=self._settings.allow_nonfinite,
                progress=clock.step,
                pictures=pictures,
            )
        cases = tuple(_shown(case, peer) for case in report.cases)
        report = replace(report, source=begun.source, cases=cases)
        clock.step("drawing")
        return report, {
            "report.json": document(report.to_json()),
            "report.html": pictures.artifact_page(report, model.name),
        }

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process of the workshop."""
        self._keras.close()
        for connection in self._connections.values():
            connection.close()


def _shown(case: CaseResult, peer: Path) -> CaseResult:
    """Return a case with its file's name in the artifact; another tool's file does not say its form by itself."""
    if case.file == str(peer):
        return replace(case, form=PEER, file="")
    return replace(case, file=Path(case.file).name)


def _same(file: Path, network: Network) -> bool:
    """Tell whether a Keras file holds this network, and spells it alike (dropout, unroll, ...)."""
    try:
        found = read(file)
    except RnnExportError:
        return False
    hints = [call.hints for call in network.calls]
    return found.digest == network.digest and [call.hints for call in found.calls] == hints
