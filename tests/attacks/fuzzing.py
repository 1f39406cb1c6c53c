"""What the fuzzers feed: each way in for bytes of a stranger, which may end in an error of ours and in no other way."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

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
    return read(CORPUS / "sequential.keras")


def _packed(**changed: bytes) -> bytes:
    held = dict(_members("functional" if "config" in changed else "sequential"))
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
    "onnx": onnx,
}


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """Return whole files for a target to begin with."""
    names = ("sequential", "functional")
    if target == "keras":
        return tuple((CORPUS / f"{name}.keras").read_bytes() for name in names)
    if target == "config":
        return tuple(_members(name)[CONFIG] for name in names)
    if target == "weights":
        return tuple(_members(name)[WEIGHTS] for name in names)
    if target == "legacy":
        return ((CORPUS / "sequential.h5").read_bytes(),)
    models = [
        export(read(CORPUS / f"{name}.keras"), form=form, time=3 if form == "unrolled" else None)
        for name in names
        for form in FORMS
    ]
    return tuple(made.model.SerializeToString(deterministic=True) for made in models)


ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    1.5,
    float("nan"),
    "",
    "\ud800",
    "x" * 300,
    [],
    {},
    [[]],
    [None, -3],
)


def mutated(target: str, random: Random) -> bytes:
    """Return a seed of a target with a few things changed."""
    data = random.choice(seeds(target))
    if target == "config" and random.random() < 0.8:
        return _other_json(data, random)
    held = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        at = random.randrange(len(held) + 1)
        size = random.choice((1, 1, 2, 4, 8, 64, 1024))
        way = random.randrange(5)
        if way == 0:
            held[at : at + size] = random.randbytes(size)
        elif way == 1:
            del held[at : at + size]
        elif way == 2:
            held[at:at] = random.randbytes(size)
        elif way == 3:
            other = random.randrange(len(held) + 1)
            held[at : at + size] = held[other : other + size]
        else:
            number = random.choice((0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 2**63))
            held[at : at + 8] = number.to_bytes(8, random.choice(("little", "big")))
    return bytes(held)


def _other_json(data: bytes, random: Random) -> bytes:
    """Return a configuration with values replaced, dropped, repeated or put elsewhere."""
    value = json.loads(data)
    for _ in range(random.choice((1, 1, 2, 5))):
        places = list(_places(value))
        holder, key = random.choice(places)
        way = random.randrange(4)
        if way == 0:
            holder[key] = random.choice(ODD)
        elif way == 1:
            del holder[key]
        elif way == 2 and isinstance(holder, list):
            holder.append(holder[key])
        else:
            other, name = random.choice(places)
            holder[key] = json.loads(json.dumps(other[name]))
        if not isinstance(value, dict) or not list(_places(value)):
            break
    return json.dumps(value).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        keys = (
            list(item)
            if isinstance(item, dict)
            else range(len(item))
            if isinstance(item, list)
            else ()
        )
        for key in keys:
            found.append((item, key))
            waiting.append(item[key])
    return found
