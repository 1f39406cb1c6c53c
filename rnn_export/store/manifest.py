"""The manifest: which network an artifact holds, and the digest and size of each of its files.

Its text is canonical and it carries a digest of itself, so that a changed byte of the manifest is found too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rnn_export.errors import StoreError

MANIFEST = "manifest.json"
SCHEMA = 1
SIZE_LIMIT = 2**20
"""Bytes; a manifest of a few files has some hundred, and a longer one must not be believed and read."""

BLOCK = 2**20


@dataclass(frozen=True)
class Entry:
    """One file: sha256 in hexadecimal, size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What an artifact folder must hold.

    Args:
        network: the network's digest.
        files: path inside the folder, with "/", to its entry.
    """

    network: str
    files: Mapping[str, Entry]

    def text(self) -> str:
        """Return the canonical JSON text; equal manifests have equal text."""
        return _text(self._content() | {"digest": self._digest()})

    def _content(self) -> dict[str, object]:
        files = {
            name: {"sha256": entry.sha256, "size": entry.size} for name, entry in self.files.items()
        }
        return {"schema": SCHEMA, "network": self.network, "files": files}

    def _digest(self) -> str:
        return hashlib.sha256(_text(self._content()).encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an artifact folder.

    Raises:
        StoreError: there is none, or it is not, byte for byte, what this package writes.
    """
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise StoreError(
            str(folder),
            expected=f"an artifact folder with {MANIFEST}",
            got=(error.strerror or type(error).__name__).lower(),
            advice="`build` makes one.",
        ) from error
    try:
        return _parse(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(
            str(path),
            expected=f"a manifest of schema {SCHEMA}",
            got=f"other content ({_reason(error)})",
            advice="Build the artifact again.",
        ) from error


def entry_of(path: Path) -> Entry:
    """Return digest and size of a file, read in blocks: constant memory whatever its size."""
    state = hashlib.sha256()
    size = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            state.update(block)
            size += len(block)
    return Entry(state.hexdigest(), size)


def _parse(data: bytes) -> Manifest:
    if len(data) > SIZE_LIMIT:
        raise ValueError(f"more than {SIZE_LIMIT} bytes")
    parts = json.loads(data)
    if parts["schema"] != SCHEMA:
        raise ValueError(f"schema {parts['schema']!r}")
    files = {name: Entry(entry["sha256"], entry["size"]) for name, entry in parts["files"].items()}
    for name in files:
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or str(inside) != name or name == ".":
            raise ValueError(f"a path outside the folder, {name!r}")
    manifest = Manifest(parts["network"], files)
    if not re.fullmatch("[0-9a-f]{64}", manifest.network) or manifest.text().encode() != data:
        raise ValueError("it was changed")
    return manifest


def _reason(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)


def _text(content: object) -> str:
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True) + "\n"
