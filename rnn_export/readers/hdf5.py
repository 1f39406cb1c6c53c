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
from rnn_export.readers.archive import Span, damaged
from rnn_export.readers.limits import Limits
from rnn_export.readers.object_header import text_bytes
from rnn_export.readers.stored_weight import StoredWeight, stamp_of
from rnn_export.readers.window import Window

# Deflate, shuffle, checksum: the filters inside HDF5 itself. Any other would make HDF5 look for a plugin to load.
_FILTERS = (1, 2, 3)
_READ_CLASSES = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.ENUM)
"""Of attributes: numbers, text, and what h5py makes of a bool."""


class Store:
    """An open HDF5 file whose links have been checked.

    Args:
        subject: the file, for errors.
        file: the open file.
        window: its bytes.
        span: where they lie on disk; None if they are in memory.
        limits: what to accept.
    """

    def __init__(
        self, subject: str, file: h5py.File, window: Window, span: Span | None, limits: Limits
    ) -> None:
        self.subject = subject
        self._file = file
        self._window = window
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
        """Return the attributes of a group or dataset that are text, numbers, or lists of them."""
        with self._guard():
            found = self._find(path)
            return {} if found is None else self._attributes(found, self._named(path))

    def _attributes(self, found: Any, subject: str) -> dict[str, object]:
        address = h5py.h5o.get_info(found.id).addr
        size = text_bytes(self._window.bytes_at, address)
        self._limits.hold("config_bytes", size, subject, "bytes of attributes")
        made: dict[str, object] = {}
        for name in found.attrs:
            if found.attrs.get_id(name).get_type().get_class() not in _READ_CLASSES:
                continue
            value = found.attrs[name]
            plain = isinstance(value, (np.ndarray, np.generic))
            made[name] = value.tolist() if plain else value
        return made

    def weight(self, path: str) -> Weight:
        """Return the dataset at ``path`` as a lazy weight, or as one in memory if it is compressed.

        Raises:
            ReadError: there is none, or no plain array of numbers.
        """
        with self._guard():
            return self._weight(self._find(path), self._named(path))

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

    def _dtypes(self, found: h5py.Dataset, subject: str) -> tuple[np.dtype, np.dtype]:
        """Return the dtype in the file and the one handed out (bfloat16 is stored as bytes with a note)."""
        stored = found.dtype
        note = self._attributes(found, subject).get("dtype")
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
            if not isinstance(found, h5py.Group):
                return None
            links, name = found.id.links, part.encode()
            if not links.exists(name):
                return None
            if links.get_info(name).type != h5py.h5l.TYPE_HARD:
                raise self._linked(path)
            found = found[part]
        return found

    def _check_links(self) -> None:
        """Raise ReadError if any link leads elsewhere, or there is too much or too deep."""
        most = self._limits.hdf5_objects
        count = deepest = 0
        linked: list[bytes] = []

        def note(name: bytes, link: Any) -> bool | None:
            """Stop HDF5 by returning True; it cannot carry an exception out of here."""
            nonlocal count, deepest
            count += 1
            deepest = max(deepest, name.count(b"/") + 1)
            if link.type != h5py.h5l.TYPE_HARD:
                linked.append(name)
            return True if linked or count > most else None

        self._file.id.links.visit(note, info=True)
        if linked:
            raise self._linked(linked[0].decode("utf-8", "replace"))
        self._limits.hold("hdf5_objects", count, self.subject, "groups and datasets")
        self._limits.hold("hdf5_depth", deepest, self.subject, "levels of groups")

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Turn what h5py raises on contents that contradict themselves into a ReadError."""
        try:
            yield
        except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
            raise damaged(Path(self.subject), error) from None

    def _named(self, path: str) -> str:
        return f"{self.subject}: {path}" if path else self.subject

    def _linked(self, path: str) -> ReadError:
        return ReadError(
            self._named(path),
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
    if isinstance(source, bytes):
        raw = Window(io.BytesIO(source), 0, len(source))
    else:
        raw = Window(open(source.path, "rb"), source.start, source.size)  # noqa: SIM115 - closed by raw
    with raw:
        try:
            _expect_plain_start(raw)
            file = h5py.File(raw, "r")
        except (OSError, RuntimeError, ValueError, KeyError):
            raise ReadError(
                subject,
                expected="weights in HDF5",
                got="a file of another kind, or a damaged one",
                advice="Save the model again with Keras.",
            ) from None
        with file:
            yield Store(subject, file, raw, source if isinstance(source, Span) else None, limits)


def _expect_plain_start(raw: Window) -> None:
    """Raise ValueError unless this is HDF5 from the first byte on, with places and sizes of 8 bytes, as h5py writes it.

    What `Window` and `text_bytes` know of the format holds for no other.
    """
    start = raw.bytes_at(0, 16).ljust(16, b"\0")
    sizes = start[13:15] if start[8] < 2 else start[9:11]
    if not start.startswith(b"\x89HDF\r\n\x1a\n") or sizes != b"\x08\x08":
        raise ValueError
