"""`export --target all`: one folder with a file for each runtime that takes the network."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from rnn_export.errors import ExportError
from rnn_export.store import stage
from rnn_export.workflows.capabilities import capabilities
from rnn_export.workflows.exporting import Asked, exported_from, network_of


@dataclass(frozen=True)
class TargetFile:
    """What was written for one runtime.

    Args:
        target: the runtime.
        file: its name in the folder; None if there is none.
        form, opset, size: of the file, ``size`` in bytes without a data file.
        reasons: why it is as it is, or is not.
    """

    target: str
    file: str | None
    form: str = ""
    opset: int = 0
    size: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetFolder:
    """What `export_all` wrote.

    Args:
        folder: where.
        network: its digest.
        files: one for each runtime of the table.
    """

    folder: Path
    network: str
    files: tuple[TargetFile, ...]


def export_all(
    source: str, folder: str | Path, asked: Asked, *, allow_nonfinite: bool = False
) -> TargetFolder:
    """Write a file for each runtime in the table of capabilities; the folder has a manifest, as artifacts have.

    Args:
        source: a `.keras` or `.h5` file, a preset, or FILE.toml:NAME.
        folder: replaced whole, or left as it was.
        asked: what is not the target's affair.
        allow_nonfinite: take weights that are NaN or infinite.

    Raises:
        ReadError: the source is missing, damaged or unknown in parts.
        ExportError: no runtime takes the network as asked.
        StoreError: the folder cannot be written, or is another's.
    """
    network = network_of(source, allow_nonfinite=allow_nonfinite)
    place = Path(folder)
    targets = [name for name, known in capabilities().items() if known.takes_files]
    with stage(place.absolute().parent, place.name) as staging:
        files = []
        for target in targets:
            name = f"{file_name(target)}.onnx"
            try:
                exported = exported_from(network, replace(asked, target=target))
                exported.save(staging.folder / name)
            except ExportError as error:
                files.append(TargetFile(target, None, reasons=(str(error),)))
                continue
            opset = next(each.version for each in exported.skeleton.opset_import if not each.domain)
            size = (staging.folder / name).stat().st_size
            files.append(TargetFile(target, name, exported.form, opset, size, exported.notes))
        if not any(item.file for item in files):
            raise ExportError(
                str(place),
                expected="a runtime that takes the network as asked",
                got="none",
                advice=" ".join(reason for item in files[:1] for reason in item.reasons),
            )
        staging.commit(network.digest, {})
    return TargetFolder(place, network.digest, tuple(files))


def file_name(target: str) -> str:
    """Return a runtime's name as part of a file's.

    >>> file_name("onnxruntime-web:wasm")
    'onnxruntime-web-wasm'
    """
    return re.sub(r"[^A-Za-z0-9.-]+", "-", target)
