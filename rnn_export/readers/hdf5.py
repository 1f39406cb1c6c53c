"""HDF5 from a stranger: every link and dataset is checked before it is followed; only plain numbers come out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rnn_export.errors import ReadError
from rnn_export.network.weight import ArrayWeight, Weight
from rnn_export.readers.archive import Span, Window, damaged
from rnn_export.readers.limits import Limits
from rnn_export.readers.stored_weight import StoredWeight, stamp_of

# Deflate, shuffle, checksum: the filters inside HDF5 itself. Any other would make HDF5 look for a plugin to load.
_FILTERS = (1, 2, 3)


class Store:
    """An open HDF5 file whose links have been checked.

    Args:
        subject: the file, for errors.
        file: the open file.
        span: where its bytes lie on disk; None if they are in memory.
        limits: what to accept.
    """

    def __init__(self, subject: str, file: h5py.File, span: Span | None, limits: Limits) -> None:
        self.subject = subject
        self._file = file
        self._span = span
        self._limits = limits
        self._stamp = (0, 0)
        self._plain = self._inflated = 0
        if span is not None:
            with open(span.path, "rb") as raw:
                self._stamp = stamp_of(raw.fileno())
        with self._guard():
            self._check_links()

    def __contains__(self, path: str) -> bool:
        with self._guard():
            return self._find(path) is not None

    def members(self, path: str) -> tuple[str, ...]:
        """Return the names in a group; none if there is no such group."""
        with self._guard():
            found = self._find(path)
            return tuple(found) if isinstance(found, h5py.Group) else ()

    def attributes(self, path: str) -> dict[str, object]:
        """Return the attributes of a group or dataset as text, numbers, or lists of them."""
        with self._guard():
            found = self._find(path)
            if found is None:
                return {}
            made = {}
            for name in found.attrs:
                value = found.attrs[name]
                made[name] = (
                    value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
                )
            return made

    def weight(self, path: str) -> Weight:
        """Return the dataset at ``path`` as a lazy weight, or as one in memory if it is compressed.

        Raises:
            ReadError: there is none, or no plain array of numbers.
        """
        with self._guard():
            return self._weight(self._find(path), f"{self.subject}: {path}")

    def _weight(self, found: Any, subject: str) -> Weight:
        if not isinstance(found, h5py.Dataset):
            raise ReadError(
                subject, expected="an array of numbers", got="a group" if found else "nothing"
            )
        shape = found.shape
        stored, dtype = self._dtypes(found, subject)
        if shape is None or found.external or found.is_virtual:
            raise ReadError(
                subject, expected="an array stored in this file", got="one stored elsewhere"
            )
        self._limits.hold("units", max(shape, default=0), subject, "entries along an axis")
        size = prod(shape) * stored.itemsize
        offset = found.id.get_offset()
        contiguous = found.chunks is None and offset is not None
        if shape and size and contiguous and self._span is not None:
            if offset + size > self._span.size:
                raise ReadError(
                    subject, expected=f"{size:,} bytes", got="fewer", advice="The file is damaged."
                )
            self._plain += size
            if self._plain > self._span.size:
                # A kernel of 16 MB under a thousand names would be 16 GB to read.
                raise ReadError(
                    subject, expected="weights each in a place of its own", got="several in one"
                )
            start = self._span.start + offset
            return StoredWeight(self._span.path, start, shape, dtype, stored, self._stamp)
        return ArrayWeight(self._inflate(found, size, subject).view(dtype))

    def _inflate(self, found: h5py.Dataset, size: int, subject: str) -> np.ndarray:
        """Return the values of a compressed, chunked or empty dataset."""
        self._inflated += size
        self._limits.hold(
            "inflated_bytes", self._inflated, subject, "bytes that are not stored plainly"
        )
        held = found.id.get_storage_size()
        if size > 4096:
            self._limits.hold("ratio", size / max(1, held), subject, "times its stored size")
        settings = found.id.get_create_plist()
        filters = [settings.get_filter(index)[0] for index in range(settings.get_nfilters())]
        if not set(filters) <= set(_FILTERS):
            raise ReadError(
                subject, expected="plain or deflated values", got=f"HDF5 filters {filters}"
            )
        values = np.asarray(found[()])
        return values.astype(values.dtype.newbyteorder("="), order="C")

    @staticmethod
    def _dtypes(found: h5py.Dataset, subject: str) -> tuple[np.dtype, np.dtype]:
        """Return the dtype in the file and the one handed out (bfloat16 is stored as bytes with a note)."""
        stored = found.dtype
        note = found.attrs.get("dtype") if "dtype" in found.attrs else None
        if note == "bfloat16" and stored.itemsize == 2 and stored.kind in "Vu":
            import ml_dtypes

            return np.dtype("<u2") if stored.kind == "V" else stored, np.dtype(ml_dtypes.bfloat16)
        if stored.kind not in "fiub" or stored.fields is not None or stored.subdtype is not None:
            raise ReadError(subject, expected="an array of numbers", got=f"HDF5 type {stored}")
        return stored, stored.newbyteorder("=")

    def _find(self, path: str) -> Any:
        """Return the object at ``path`` by hard links alone; None if there is none."""
        found: Any = self._file
        for part in path.split("/"):
            if not part:
                continue
            if not isinstance(found, h5py.Group) or part not in found:
                return None
            link = found.get(part, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise self._linked(path)
            found = found[part]
        return found

    def _check_links(self) -> None:
        """Raise ReadError if any link leads elsewhere, or there is too much or too deep."""
        most = self._limits.hdf5_objects
        names: list[str] = []

        def note(name: bytes) -> bool | None:
            """Stop HDF5 by returning True; it cannot carry an exception out of here."""
            names.append(name.decode("utf-8", "replace"))
            return True if len(names) > most else None

        self._file.id.links.visit(note)
        self._limits.hold("hdf5_objects", len(names), self.subject, "groups and datasets")
        depth = max((name.count("/") + 1 for name in names), default=0)
        self._limits.hold("hdf5_depth", depth, self.subject, "levels of groups")
        for name in names:
            if not isinstance(self._file.get(name, getlink=True), h5py.HardLink):
                raise self._linked(name)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Turn what h5py raises on contents that contradict themselves into a ReadError."""
        try:
            yield
        except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
            raise damaged(Path(self.subject), error) from None

    def _linked(self, path: str) -> ReadError:
        return ReadError(
            f"{self.subject}: {path}",
            expected="data in this file",
            got="a soft or external link",
            advice="Save the model again with Keras.",
        )


@contextmanager
def open_store(subject: str, source: Span | bytes, limits: Limits) -> Iterator[Store]:
    """Open HDF5 where it lies, or from memory.

    Raises:
        ReadError: not HDF5, damaged, or with links to elsewhere.
    """
    raw: io.IOBase = io.BytesIO(source) if isinstance(source, bytes) else Window(source)
    with raw:
        try:
            file = h5py.File(raw, "r")
        except (OSError, RuntimeError, ValueError, KeyError):
            raise ReadError(
                subject,
                expected="weights in HDF5",
                got="a file of another kind, or a damaged one",
                advice="Save the model again with Keras.",
            ) from None
        with file:
            yield Store(subject, file, source if isinstance(source, Span) else None, limits)
