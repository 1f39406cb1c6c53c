"""`export`: one ONNX file from one source, needing the core alone: no Keras, no onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_export.errors import ExportError
from rnn_export.exporters import Exported, export
from rnn_export.network import Network

if TYPE_CHECKING:
    from rnn_export.verifier import Report
    from rnn_export.workflows.choosing import Choice

AUTO = "auto"
CHECKER = TARGET = "onnxruntime:cpu"


@dataclass(frozen=True)
class Asked:
    """How a file is to be exported; see `rnn_export.export`.

    Args:
        form: as there, or "auto" for the one that is fastest (on ``target``, among those that are right there).
        streaming: states become inputs and outputs, carried by the caller from run to run.
        target: the runtime that is to take the file: form, sizes and opset are such that it does
            (workflows.targets); None for no one in particular.
        measure: choose form "auto" by timing the forms on this machine, not by the table.
        fold: as there.
    """

    form: str = "rnn"
    opset: int | None = None
    batch: int | None = None
    time: int | None = None
    padding: str = "any"
    taps: bool = False
    streaming: bool = False
    target: str | None = None
    measure: bool = False
    fold: bool = False


@dataclass(frozen=True)
class Written:
    """What `export_file` wrote.

    Args:
        file: the ONNX file; not there when ``report`` is no pass.
        form: that was asked for.
        opset: of ONNX.
        network: the network's digest.
        nodes: at the top of the graph.
        parameters: of the network.
        size: bytes of the file and of its data file, if it has one.
        notes: what the user should know, such as layers that took another form.
        report: of the check, where one was asked for.
    """

    file: Path
    form: str
    opset: int
    network: str
    nodes: int
    parameters: int
    size: int
    notes: tuple[str, ...]
    report: Report | None = None


def export_file(
    source: str | Path,
    file: str | Path,
    asked: Asked | None = None,
    *,
    check: bool = False,
    allow_nonfinite: bool = False,
) -> Written:
    """Export a source into a file.

    Args:
        source: a `.keras` or `.h5` file, a preset, or FILE.toml:NAME.
        file: where to write; replaced whole, or left as it was.
        asked: form, opset and so on.
        check: run the file, on the target or else in onnxruntime, and judge it first; without a pass it is not
            written.
        allow_nonfinite: take weights that are NaN or infinite.

    Raises:
        ReadError: the source is missing, damaged or unknown in parts.
        ExportError: it cannot be carried as asked, or the file cannot be written.
    """
    target = Path(file)
    _expect_apart(str(source), target)
    network = network_of(str(source), allow_nonfinite=allow_nonfinite)
    exported = exported_from(network, asked or Asked())
    if not check:
        return _written(network, exported, target)
    from tempfile import TemporaryDirectory

    from rnn_export.workflows.verification import verify

    checker = (asked and asked.target) or CHECKER
    with TemporaryDirectory(prefix="rnn_export-") as folder:
        tried = _written(network, exported, Path(folder) / target.name)
        report = verify(
            source,
            tried.file,
            runtimes=(checker,),
            require=(checker,),
            allow_nonfinite=allow_nonfinite,
        )
    cases = tuple(replace(case, file=str(file)) for case in report.cases)
    report = replace(report, cases=cases)
    if report.exit_code:
        return replace(tried, file=target, report=report)
    return replace(_written(network, exported, target), report=report)


def _expect_apart(source: str, target: Path) -> None:
    """Raise ExportError if a source was named as the place to write to."""
    place = Path(source.partition(".toml:")[0] + ".toml" if ".toml:" in source else source)
    if place.is_file() and target.is_file() and place.samefile(target):
        raise ExportError(
            str(target),
            expected="a place other than the source's",
            got="the source",
            advice="Name another file, such as model.onnx.",
        )


def network_of(source: str, *, allow_nonfinite: bool = False) -> Network:
    """Return a source's network, without Keras: descriptions need not be saved and read back for that.

    Raises:
        ReadError: the source is missing, damaged or unknown in parts.
    """
    # The file first: `export` of one is to cost little more than importing onnx.
    if not source.endswith((".keras", ".h5")):
        from rnn_export import presets
        from rnn_export.workflows.sources import one_of

        if source in presets.names():
            return presets.network(source)
        file, found, name = source.partition(".toml:")
        if found or source.endswith(".toml"):
            return one_of(Path(f"{file}.toml" if found else source), name)
    from rnn_export.readers import read

    return read(source, allow_nonfinite=allow_nonfinite)


def exported_from(network: Network, asked: Asked) -> Exported:
    """Return a network as an ONNX model.

    Raises:
        ExportError: it cannot be carried as asked.
        NetworkError: it cannot stream (Bidirectional).
    """
    if asked.streaming:
        from rnn_export.network.streaming import streaming

        network = streaming(network)
    if asked.target is not None:
        from rnn_export.workflows.targets import fitted

        return fitted(network, asked)
    if asked.form == AUTO:
        choice = choice_for(network, asked, TARGET)
        exported = exported_from(network, replace(asked, form=choice.form, streaming=False))
        noted = replace(exported, notes=(choice.reason, *exported.notes))
        return noted.explained(choice.reason)
    settings = {} if asked.opset is None else {"opset": asked.opset}
    return export(
        network,
        form=asked.form,
        batch=asked.batch,
        time=asked.time,
        padding=asked.padding,
        taps=asked.taps,
        fold=asked.fold,
        **settings,
    )


def choice_for(network: Network, asked: Asked, target: str) -> Choice:
    """Return the form for a runtime: by the measured table, or by measuring here where that is asked for."""
    if asked.measure:
        from rnn_export.workflows.benchmarks.fastest import fastest

        return fastest(network, target, batch=asked.batch, time=asked.time)
    from rnn_export.workflows.choosing import choose

    return choose(network, target, batch=asked.batch, time=asked.time)


def _written(network: Network, exported: Exported, file: Path) -> Written:
    exported.save(file)
    model = exported.model
    data = {place.file for place in exported.places.values()}
    return Written(
        file=file,
        form=exported.form,
        opset=next(opset.version for opset in model.opset_import if not opset.domain),
        network=network.digest,
        nodes=len(model.graph.node),
        parameters=network.parameters,
        size=sum(path.stat().st_size for path in (file, *(file.parent / name for name in data))),
        notes=exported.notes,
    )
