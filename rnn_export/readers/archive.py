"""A ``.keras`` archive: its configuration as text and its weights in place, within limits; nothing is extracted."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rnn_export.errors import ReadError
from rnn_export.readers.limits import Limits

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
_LOCAL_HEADER = struct.Struct("<4s22xHH")
# What ends an archive: the size of its directory, in 32 bits, and before it perhaps in 64.
_END, _END_64 = struct.Struct("<4s8xL6x"), struct.Struct("<4s36xQ8x")
_LOCATOR_BYTES = 20
_LONGEST_COMMENT = 2**16 - 1
_MEMBER_BYTES = 1_000
"""In the directory, name and notes included: seldom 100."""


@dataclass(frozen=True)
class Span:
    """Bytes ``start`` to ``start + size`` of a file."""

    path: Path
    start: int
    size: int


class Archive:
    """An open ``.keras`` archive.

    Args:
        path: the file.
        limits: what to accept.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, limits: Limits) -> None:
        self.path = path
        self._zip = archive
        self._limits = limits
        self._members = self._listed()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def text(self, name: str) -> bytes:
        """Return a small member's bytes."""
        info = self._member(name)
        self._limits.hold("config_bytes", info.file_size, f"{self.path}: {name}", "bytes")
        return self._read(info)

    def weights(self) -> Span | bytes:
        """Return where the stored HDF5 lies in the file, or its bytes if it is compressed.

        Raises:
            ReadError: there is none, or more than the limits allow.
        """
        if WEIGHTS not in self and "model.weights.npz" in self:
            raise ReadError(
                str(self.path),
                expected=WEIGHTS,
                got="weights in NumPy's format",
                advice="Load the model in Keras and save it again.",
            )
        info = self._member(WEIGHTS)
        if info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size:
            return Span(self.path, self._data_start(info), info.file_size)
        self._limits.hold(
            "inflated_bytes", info.file_size, f"{self.path}: {WEIGHTS}", "bytes when compressed"
        )
        return self._read(info)

    def _listed(self) -> dict[str, zipfile.ZipInfo]:
        subject = str(self.path)
        infos = self._zip.infolist()
        self._limits.hold("archive_members", len(infos), subject, "members")
        self._limits.hold(
            "archive_bytes", sum(info.file_size for info in infos), subject, "bytes in all"
        )
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            parts = info.filename.replace("\\", "/").split("/")
            if info.filename.startswith("/") or ".." in parts or ":" in parts[0]:
                raise ReadError(
                    subject,
                    expected="members inside the archive",
                    got=f"the path {info.filename!r}",
                )
            if info.filename in members:
                raise ReadError(
                    subject,
                    expected="members with names of their own",
                    got=f"{info.filename!r} twice",
                )
            if info.flag_bits & 1:
                raise ReadError(
                    subject,
                    expected="members without a password",
                    got=f"{info.filename!r} encrypted",
                )
            if info.file_size > 4096:
                ratio = info.file_size / max(1, info.compress_size)
                self._limits.hold(
                    "ratio", ratio, f"{subject}: {info.filename}", "times its compressed size"
                )
            members[info.filename] = info
        return members

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            held = ", ".join(sorted(self._members)[:5]) or "nothing"
            raise ReadError(
                str(self.path),
                expected=f"an archive with {name}",
                got=f"one with {held}",
                advice="Save the model with model.save('model.keras').",
            )
        return self._members[name]

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        try:
            with self._zip.open(info) as member:
                data = member.read(info.file_size + 1)
        except (
            zipfile.BadZipFile,
            OSError,
            EOFError,
            NotImplementedError,
            ValueError,
            RuntimeError,
        ) as error:
            raise damaged(self.path, error) from None
        except (
            Exception
        ) as error:  # zlib, bz2 and lzma raise errors of their own, with no base in common
            if type(error).__module__ not in ("zlib", "_lzma", "_bz2", "lzma", "bz2"):
                raise
            raise damaged(self.path, error) from None
        if len(data) != info.file_size:
            raise damaged(self.path, ValueError(f"{info.filename} has another size than it says"))
        return data

    def _data_start(self, info: zipfile.ZipInfo) -> int:
        """Return where a member's bytes begin: its local header may have other lengths than the directory says."""
        with open(self.path, "rb") as file:
            file.seek(info.header_offset)
            header = file.read(_LOCAL_HEADER.size)
        if len(header) != _LOCAL_HEADER.size:
            raise damaged(self.path, ValueError("a header beyond the end"))
        mark, name, extra = _LOCAL_HEADER.unpack(header)
        start = int(info.header_offset + _LOCAL_HEADER.size + name + extra)
        if mark != b"PK\x03\x04" or start + info.file_size > self.path.stat().st_size:
            raise damaged(self.path, ValueError(f"{info.filename} is not where the directory says"))
        return start


OTHERS = {
    ".onnx": "An ONNX file is no source: name the Keras model that it is made from.",
    ".toml": "A description becomes a model with `build`.",
}
"""What to do with files that are taken for a Keras model."""


@contextmanager
def open_archive(path: Path, limits: Limits) -> Iterator[Archive]:
    """Open a ``.keras`` file.

    Raises:
        ReadError: not a zip archive, damaged, or beyond the limits.
    """
    try:
        _expect_small_directory(path, limits)
        opened = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, struct.error):
        raise ReadError(
            str(path),
            expected="a .keras file (a zip archive)",
            got="a file of another kind, or a damaged one",
            advice=OTHERS.get(path.suffix, "Save the model with model.save('model.keras')."),
        ) from None
    except OSError as error:
        raise damaged(path, error) from None
    with opened:
        yield Archive(path, opened, limits)


def _expect_small_directory(path: Path, limits: Limits) -> None:
    """Raise ReadError if the archive's directory is far too large for its members: zipfile would list them all.

    The number of members stands beside it, but nothing makes that be true.
    """
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END.size - _LONGEST_COMMENT - _LOCATOR_BYTES - _END_64.size))
        tail = file.read()
    at = len(tail) - _END.size
    if not tail[max(at, 0) :].startswith(b"PK\x05\x06"):
        at = tail.rfind(b"PK\x05\x06", 0, at + 4)
    if at < 0:
        return
    directory = int(_END.unpack_from(tail, at)[1])
    before = at - _LOCATOR_BYTES - _END_64.size
    if before >= 0 and tail.startswith(b"PK\x06\x06", before):
        directory = max(directory, int(_END_64.unpack_from(tail, before)[1]))
    # zipfile reads no more than there is.
    count = min(directory, size) // _MEMBER_BYTES
    limits.hold("archive_members", count, str(path), "members")


def damaged(path: Path, error: Exception) -> ReadError:
    """Return the error for a file that breaks off or contradicts itself."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return ReadError(str(path), expected="a whole file", got=f"a damaged one ({reason})")
