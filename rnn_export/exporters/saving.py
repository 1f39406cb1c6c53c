"""Writing a file whole or not at all: beside its place first, then moved; large weights before the model."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rnn_export.errors import ExportError

if TYPE_CHECKING:
    from rnn_export.exporters.exported import Exported


def save(exported: Exported, path: Path) -> Path:
    """Write ``exported`` to ``path``; a file of that name is replaced at once, or stays as it was.

    The data file, if there is one, is complete before the model that refers to it appears.

    Raises:
        ExportError: the place cannot be written.
    """
    try:
        if exported.places:
            _save_data(exported, path.parent)
        data = exported.model.SerializeToString(deterministic=True)
        _atomically(path, lambda file: file.write(data))
    except OSError as error:
        raise ExportError(
            str(path),
            expected="a place that can be written",
            got=error.strerror or str(error),
            advice="Name a file in a folder that exists and is writable.",
        ) from error
    return path


def _save_data(exported: Exported, folder: Path) -> None:
    """Write the data file, piece by piece, unless one of that name and size is there."""
    places = exported.places
    target = folder / next(iter(places.values())).file
    end = max(place.offset + place.size for place in places.values())
    if target.is_file() and target.stat().st_size == end:
        return

    def write(file: BinaryIO) -> None:
        file.truncate(end)
        for name, place in places.items():
            for start, values in exported.stored[name].pieces():
                os.pwrite(file.fileno(), values.data, place.offset + start * values.itemsize)

    _atomically(target, write)


def _atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
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
