"""`web`: a folder with a page that runs a model in whatever browser opens it, and judges what comes out."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from rnn_export.errors import StoreError
from rnn_export.network import Network
from rnn_export.readers import read
from rnn_export.runtimes.node import PINNED
from rnn_export.runtimes.onnx_slots import load_slots
from rnn_export.store import check_folder, read_manifest, stage
from rnn_export.store.writing import storing
from rnn_export.verifier import InputSet, design
from rnn_export.verifier.bounds.products import SIGMAS
from rnn_export.verifier.inputs.designing import EVERY_TOKEN
from rnn_export.workflows.onnx_input import open_onnx
from rnn_export.workflows.subjects import opened
from rnn_export.workflows.web_runtime import web_runtime
from rnn_export.workflows.web_vectors import fits_browser, write_cases

PAGES = ("index.html", "page.mjs", "running.mjs", "vectors.mjs", "judging.mjs")
STYLE = "style.css"
MODEL = "model.onnx"
KERAS = ("model.keras", "model.h5")
SCHEMA = 1


@dataclass(frozen=True)
class Page:
    """A page that was written.

    Args:
        folder: to be served by any static server.
        form: of the model in it.
        network: its digest.
        cases: how many runs the page judges.
        size: bytes in all.
        changed: files that are new, changed or gone.
    """

    folder: Path
    form: str
    network: str
    cases: int
    size: int
    changed: tuple[str, ...]


def write_page(
    artifact: str | Path, out: str | Path | None = None, *, form: str = "rnn", seed: int = 0
) -> Page:
    """Write the page of an artifact.

    Args:
        artifact: a folder that `build` wrote.
        out: the page's folder; None: the artifact's name with "-web" behind it, in the current folder.
        form: which of the artifact's models.
        seed: of the inputs.

    Returns:
        What was written.

    Raises:
        StoreError: the artifact is damaged or lacks the form; the folder cannot be written or is another's.
        RuntimeUnavailable: onnxruntime-web cannot be installed.
        ExportError: a dtype that browsers do not have.
    """
    place = Path(artifact)
    checked = check_folder(place)
    checked.raise_for_damage()
    network = _network(place)
    fits_browser(network)
    model = _model(place, form)
    runtime = web_runtime()
    target = Path(out) if out is not None else Path(f"{place.resolve().name}-web")
    with stage(target.parent, target.name) as staging:
        with storing(staging.folder):
            external = _copied(staging.folder, model, runtime)
            cases = write_cases(network, _sets(network, model, seed), staging.folder)
            described = {
                "schema": SCHEMA,
                "source": place.resolve().name,
                "form": form,
                "network": network.digest,
                "onnxruntime_web": PINNED,
                "sigmas": SIGMAS,
                "model": {"file": MODEL, "sha256": read_manifest(place).files[model.name].sha256},
                "external": external,
                "cases": cases,
            }
            (staging.folder / "cases.json").write_text(json.dumps(described, indent=1) + "\n")
            size = sum(path.stat().st_size for path in staging.folder.rglob("*") if path.is_file())
        changed = staging.commit(network.digest, {})
    return Page(target, form, network.digest, len(cases), size, changed)


def _network(place: Path) -> Network:
    source = next((place / name for name in KERAS if (place / name).is_file()), None)
    if source is None:
        raise StoreError(
            str(place),
            expected=f"an artifact with {KERAS[0]}",
            got="none",
            advice="`build` makes one.",
        )
    network = read(source, allow_nonfinite=True)
    if network.digest != read_manifest(place).network:
        raise StoreError(
            str(source),
            expected="the network that the manifest names",
            got=f"digest {network.digest[:12]}",
            advice="Build the artifact again with this version.",
        )
    return network


def _model(place: Path, form: str) -> Path:
    model = place / f"{form}.onnx"
    if not model.is_file():
        there = ", ".join(sorted(path.stem for path in place.glob("*.onnx"))) or "none"
        raise StoreError(
            str(place),
            expected=f"a model of form {form}",
            got=f"the forms {there}",
            advice=f"Build it with --form {form}.",
        )
    return model


def _copied(folder: Path, model: Path, runtime: dict[str, Path]) -> list[dict[str, str]]:
    """Copy page, model and onnxruntime-web into the folder; return the model's data files."""
    pages = files("rnn_export.reports.html")
    for name in PAGES:
        (folder / name).write_bytes((pages / "web" / name).read_bytes())
    (folder / STYLE).write_bytes((pages / "templates" / STYLE).read_bytes())
    (folder / "ort").mkdir()
    for name, path in runtime.items():
        shutil.copyfile(path, folder / "ort" / name)
    shutil.copyfile(model, folder / MODEL)
    names = {
        entry.value
        for tensor in open_onnx(model).model.graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    for name in sorted(names):
        # Beside the model, as this package writes them: another place would be another's file.
        if Path(name).name != name:
            raise StoreError(str(model), expected="weights beside the model", got=repr(name))
        shutil.copyfile(model.parent / name, folder / name)
    return [{"name": name, "file": name} for name in sorted(names)]


def _sets(network: Network, model: Path, seed: int) -> list[InputSet]:
    """Return the inputs that the model takes, those aside that are as large as an embedding."""
    inputs, _ = load_slots(model)
    sizes = {slot.name: slot.shape or () for slot in inputs}
    pinned = {
        dim: size
        for port in network.inputs
        for dim, size in zip(
            network.spec(port.tensor).shape, sizes.get(port.name, ()), strict=False
        )
        if isinstance(dim, str) and isinstance(size, int)
    }
    with TemporaryDirectory(prefix="rnn_export-") as folder:
        padding = opened(network, model, Path(folder)).padding
    made = design(network, seed=seed, padding=padding, pinned=pinned)
    return [inputs for inputs in made if inputs.kind != EVERY_TOKEN]
