"""Writing a file whole or not at all: beside its place first, then moved; large weights before the model."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

from onnx import ModelProto

from rnn_export.errors import ExportError
from rnn_export.exporters.stored import Stored
from rnn_export.exporters.streaming import write_model, write_pieces
from rnn_export.exporters.tensors import Place
from rnn_export.unwritable import spare_models, told


def save(
    skeleton: ModelProto, stored: Mapping[str, Stored], places: Mapping[str, Place], path: Path
) -> Path:
    """Write a model to ``path``; a file of that name is replaced at once, or stays as it was.

    The data file, if there is one, is complete before the model that refers to it appears.

    Args:
        skeleton: the model without its initializers.
        stored: its initializers.
        places: those that lie in the data file beside ``path``.
        path: where to write.

    Raises:
        ExportError: the place cannot be written.
    """
    write = partial(write_model, skeleton=skeleton, stored=stored, places=places)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # A device or a pipe (/dev/null) is written as it is: renamed over, it would be gone.
            with tempfile.TemporaryFile() as whole, path.open("wb") as device:
                write(whole)
                whole.seek(0)
                shutil.copyfileobj(whole, device)
            return path
        spare_models(path)
        # Through a symbolic link to the file it means, as an ordinary write does.
        place = path.resolve()
        if places:
            _save_data(stored, places, place.parent)
        _atomically(place, write)
    except OSError as error:
        got, advice = told(error)
        raise ExportError(
            str(path),
            expected="a place that can be written to",
            got="a folder" if path.is_dir() else got,
            advice=advice or "Name a file in a folder that exists and is writable.",
        ) from error
    return path


def _save_data(stored: Mapping[str, Stored], places: Mapping[str, Place], folder: Path) -> None:
    """Write the data file in pieces, unless one of that name and size is there."""
    target = folder / next(iter(places.values())).file
    end = max(place.offset + place.size for place in places.values())
    if target.is_file() and target.stat().st_size == end:
        return

    def write(file: BinaryIO) -> None:
        file.truncate(end)
        for name, place in places.items():
            file.seek(place.offset)
            write_pieces(file, stored[name])

    _atomically(target, write)


def _atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a temporary file beside ``path`` and move it there when all of it is on the disk."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with open(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    except BaseException:
        beside.unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
