"""Writing files so that a name always stands for whole content, and saying in one line why it could not be done."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rnn_export.errors import StoreError
from rnn_export.unwritable import spare_models, told


@contextmanager
def storing(
    subject: str | Path, expected: str = "a place that can be written to", advice: str = ""
) -> Iterator[None]:
    """Turn an OSError inside into a StoreError about ``subject``.

    Args:
        subject: the file or folder.
        expected: what would have been right.
        advice: what to do; "" for what fits the operating system's reason.

    Raises:
        StoreError: anything the operating system refused, in its words, with what to do.
    """
    try:
        yield
    except OSError as error:
        got, what = told(error)
        raise StoreError(str(subject), expected=expected, got=got, advice=advice or what) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: beside its place first, then renamed over it.

    A device or pipe (/dev/stdout) is written as it is: there is nothing to rename.

    Raises:
        StoreError: it cannot be written; what was there before is still there.
    """
    with storing(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
            return
        # Renaming over a folder fails only after the work; asking first gives the clearer message.
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        spare_models(path)
        # Through a symbolic link to the file it means, as an ordinary write does.
        place = path.resolve()
        beside = place.with_name(f".{place.name}.{os.getpid()}.part")
        try:
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(place)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise


def partial_of(name: str) -> str:
    """Return the pattern of what `write_bytes` leaves beside a file ``name`` when it is killed."""
    return f".{name}.*.part"


def sync(path: Path) -> None:
    """Have a file's bytes or a folder's names on the disk before anything relies on them."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
