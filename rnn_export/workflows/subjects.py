"""What a case runs: an ONNX file and its tapped copy, the Keras file, or the network itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rnn_export.errors import ExportError, ReadError
from rnn_export.exporters import FORMS, export
from rnn_export.exporters.recurrent.chain import RIGHT
from rnn_export.exporters.taps import CellTap, tap
from rnn_export.exporters.writing import STREAMS, pairs_of, tables_of
from rnn_export.network import Network
from rnn_export.verifier.static import StaticFinding, check_weights
from rnn_export.workflows.onnx_input import open_onnx

PEERS = ("loop",)
UNKNOWN_FORM = "onnx"


@dataclass(frozen=True)
class Subject:
    """An ONNX file under test.

    Args:
        form: as the file says, or UNKNOWN_FORM.
        path: of the shipped file.
        file: as the user named it; "" if it was made for the case.
        tapped: path of the tapped copy; None if no state was recognised.
        cells: what the taps show.
        digest: sha256 of the shipped file.
        padding: "right" if the file assumes it.
        static: what the weights in it are.
        streams: it takes states that the source does not show: it is to equal the source's streaming version.
    """

    form: str
    path: Path
    file: str = ""
    tapped: Path | None = None
    cells: tuple[CellTap, ...] = ()
    digest: str = ""
    padding: str = "any"
    static: StaticFinding | None = None
    streams: bool = False


@dataclass(frozen=True)
class NoSubject:
    """A form that could not be made, and why."""

    form: str
    reason: str
    missing: bool = field(default=False)


def made(
    network: Network, keras: Path | None, form: str, folder: Path, options: Mapping[str, Any]
) -> Subject | NoSubject:
    """Export a form into ``folder``; what cannot be exported so is no subject.

    Raises:
        ExportError: a form or option that does not exist.
    """
    path = folder / f"{form}.onnx"
    if form in PEERS:
        return _peer(network, keras, form, path)
    try:
        export(network, form=form, **options).save(path)
    except ExportError as error:
        if form not in FORMS:
            raise
        return NoSubject(form, str(error))
    return opened(network, path, folder)


def _peer(network: Network, keras: Path | None, form: str, path: Path) -> Subject | NoSubject:
    from rnn_export.errors import RuntimeCrashed, RuntimeRefused, RuntimeUnavailable
    from rnn_export.peers import translate

    if keras is None:
        return NoSubject(form, "there is no Keras file to translate", missing=True)
    try:
        translate(keras, path)
    except RuntimeUnavailable as error:
        return NoSubject(form, str(error), missing=True)
    except (RuntimeRefused, RuntimeCrashed, ExportError) as error:
        return NoSubject(form, str(error))
    try:
        return opened(network, path, path.parent, form=form)
    except ReadError as error:
        # It wrote what is no valid file, such as tf2onnx' operator Erfc.
        return NoSubject(form, str(error))


def opened(
    network: Network, path: Path, folder: Path, *, file: str = "", form: str = ""
) -> Subject:
    """Return a subject from an ONNX file; its tapped copy is written to ``folder``.

    Raises:
        ReadError: not an ONNX file, or a hostile one.
    """
    found = open_onnx(path)
    model = found.model
    gone = sorted(name for name, size in found.external.items() if size is None)
    if gone:
        raise ReadError(
            str(path),
            expected=f"its data file {gone[0]!r} beside it",
            got="no such file",
            advice="Copy both files together, or export it again.",
        )
    held = {item.key: item.value for item in model.metadata_props}
    stated = held.get("rnn_export.form", "")
    # As JSON writes it within a list; another tool's file promises nothing.
    promised = json.dumps(RIGHT) in held.get("rnn_export.assumptions", "") if stated else False
    padding = "right" if promised else "any"
    tapped = tap(model)
    target = None
    if tapped.cells:
        # Beside its data file, if it has one: external tensors are found relative to the model.
        target = _beside(path, found.external, folder)
        target.write_bytes(tapped.model.SerializeToString())
    return Subject(
        form or stated or UNKNOWN_FORM,
        path,
        file,
        target,
        tapped.cells,
        found.digest,
        padding,
        check_weights(network, _initializers(model, path.parent), tables_of(model)),
        _streams(network, model, held),
    )


def _streams(network: Network, model: Any, held: Mapping[str, str]) -> bool:
    """Tell whether a file carries states that the network does not, by what it says or by its inputs' names."""
    if STREAMS in held:
        return held[STREAMS] != json.dumps(pairs_of(network))
    more = {port.name for port in model.graph.input} - {port.name for port in network.inputs}
    return bool(more) and all(name.endswith("/h_in") for name in more)


def _initializers(model: Any, folder: Path) -> dict[str, np.ndarray]:
    """Return every floating initializer and constant, those of Scan and Loop bodies too.

    Data files are only read where they lie beside the model.
    """
    from onnx import TensorProto, numpy_helper

    floats = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
    found: dict[str, np.ndarray] = {}

    def gather(graph: Any, scope: str) -> None:
        tensors = [(tensor.name, tensor) for tensor in graph.initializer]
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    gather(attribute.g, f"{scope}{node.name}/")
                elif node.op_type == "Constant" and attribute.name == "value":
                    tensors.append((node.output[0], attribute.t))
        for name, tensor in tensors:
            if tensor.data_type not in floats:
                continue
            if tensor.data_location == TensorProto.EXTERNAL:
                places = {entry.key: entry.value for entry in tensor.external_data}
                if Path(places.get("location", "/")).name != places.get("location"):
                    continue
            found[f"{scope}{name}"] = numpy_helper.to_array(tensor, base_dir=str(folder))

    gather(model.graph, "")
    return found


def _beside(path: Path, names: Iterable[str], folder: Path) -> Path:
    """Return the place for a tapped copy, where it finds the data files of the model beside it.

    Not through links: onnx and onnxruntime take a link for an attack, a hard one even at the user's own file.
    """
    if path.parent == folder:
        return path.with_name(f"{path.stem}.tapped.onnx")
    for name in names:
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path.parent / name, copy)
    return folder / "tapped.onnx"
