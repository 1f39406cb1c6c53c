"""What the fuzzers feed: each way in for bytes of a stranger, which may end in an error of ours and in no other way."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from rnn_export.errors import RnnExportError
from rnn_export.exporters import FORMS, export
from rnn_export.network import Network
from rnn_export.readers import read
from rnn_export.workflows import subjects
from rnn_export.workflows.inspecting_onnx import inspect_onnx

CORPUS = Path(__file__).resolve().parent / "corpus"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


@cache
def _members(name: str) -> dict[str, bytes]:
    with zipfile.ZipFile(CORPUS / f"{name}.keras") as archive:
        return {item: archive.read(item) for item in archive.namelist()}


@cache
def _network() -> Network:
    return read(CORPUS / "tiny.keras")


def _packed(**changed: bytes) -> bytes:
    held = dict(_members("functional" if b"functional" in changed.get("config", b"") else "tiny"))
    held[CONFIG if "config" in changed else WEIGHTS] = next(iter(changed.values()))
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return raw.getvalue()


@cache
def _place() -> Path:
    """A folder in memory where there is one: a million files are written to it."""
    memory = Path("/dev/shm")
    held = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="fuzzing-")
    _kept.append(held)
    return Path(held.name)


_kept: list[object] = []


def _read(data: bytes, name: str) -> None:
    path = _place() / name
    path.write_bytes(data)
    try:
        read(path)
    except RnnExportError as error:
        _expect_one_line(error)


def _expect_one_line(error: RnnExportError) -> None:
    if "\n" in str(error.subject) + error.expected + error.got and len(str(error)) > 2000:
        raise AssertionError(f"not one line: {str(error)[:300]!r}")


def keras(data: bytes) -> None:
    """A whole `.keras` file."""
    _read(data, "model.keras")


def config(data: bytes) -> None:
    """The configuration in one that is whole otherwise."""
    _read(_packed(config=data), "config.keras")


def weights(data: bytes) -> None:
    """The HDF5 file in one that is whole otherwise."""
    _read(_packed(weights=data), "weights.keras")


def legacy(data: bytes) -> None:
    """A legacy HDF5 file."""
    _read(data, "model.h5")


def pair(data: bytes) -> None:
    """A configuration with its weights beside it."""
    beside = _place() / "pair.weights.h5"
    if not beside.exists():
        beside.write_bytes(_members("tiny")[WEIGHTS])
    _read(data, "pair.json")


def onnx(data: bytes) -> None:
    """An ONNX file, as `inspect` and `verify` take it."""
    path = _place() / "model.onnx"
    path.write_bytes(data)
    try:
        inspect_onnx(path)
        with tempfile.TemporaryDirectory(dir=_place()) as folder:
            subjects.opened(_network(), path, Path(folder))
    except RnnExportError as error:
        _expect_one_line(error)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "keras": keras,
    "config": config,
    "weights": weights,
    "legacy": legacy,
    "pair": pair,
    "onnx": onnx,
}


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """Return whole files for a target to begin with."""
    # The small one most often: it is the fastest.
    names = ("tiny", "tiny", "sequential", "functional")
    if target == "keras":
        return tuple((CORPUS / f"{name}.keras").read_bytes() for name in names)
    if target in ("config", "pair"):
        return tuple(_members(name)[CONFIG] for name in names)
    if target == "weights":
        return tuple(_members(name)[WEIGHTS] for name in names)
    if target == "legacy":
        return tuple((CORPUS / f"{name}.h5").read_bytes() for name in ("tiny", "sequential"))
    models = [
        export(read(CORPUS / f"{name}.keras"), form=form, time=3 if form == "unrolled" else None)
        for name in names
        for form in FORMS
    ]
    return tuple(made.model.SerializeToString(deterministic=True) for made in models)
