"""Holding an artifact folder against its manifest, in constant memory."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rnn_export.errors import StoreError
from rnn_export.store.folder import REPORTS
from rnn_export.store.manifest import MANIFEST, Entry, entry_of, read_manifest
from rnn_export.store.writing import storing

State = Literal["same", "changed", "missing", "not in the manifest"]


@dataclass(frozen=True)
class CheckedFile:
    """One file of the folder: its state, and its size in bytes as found (None when missing)."""

    name: str
    state: State
    size: int | None


@dataclass(frozen=True)
class Checked:
    """What `check_folder` found.

    Args:
        folder: as it was given.
        network: the network's digest, by the manifest.
        files: by name; a file that the manifest does not name is shown, and is no damage.
    """

    folder: Path
    network: str
    files: tuple[CheckedFile, ...]

    @property
    def damaged(self) -> tuple[CheckedFile, ...]:
        """The files that are missing, or are not what the manifest says."""
        return tuple(file for file in self.files if file.state in ("changed", "missing"))

    def raise_for_damage(self) -> None:
        """Raise StoreError, naming the files, unless every file is what the manifest says."""
        if self.damaged:
            raise StoreError(
                str(self.folder),
                expected="the files that its manifest describes",
                got=", ".join(f"{file.name} {file.state}" for file in self.damaged),
                advice="Build it again, or fetch it again.",
            )


def check_folder(folder: Path) -> Checked:
    """Compare every file with the manifest.

    Raises:
        StoreError: no manifest, a manifest that was changed, or a file that cannot be read.
    """
    manifest = read_manifest(folder)
    files = [CheckedFile(MANIFEST, "same", (folder / MANIFEST).stat().st_size)]
    for name, entry in sorted(manifest.files.items()):
        with storing(folder / name, expected="a file that can be read"):
            files.append(_checked(folder, name, entry))
    known = {MANIFEST, *manifest.files, *REPORTS}
    with storing(folder, expected="a folder that can be read"):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if name not in known and not path.is_dir():
                files.append(CheckedFile(name, "not in the manifest", path.lstat().st_size))
    return Checked(folder, manifest.network, tuple(files))


def _checked(folder: Path, name: str, entry: Entry) -> CheckedFile:
    path = folder / name
    # Every step of the way: a link could show bytes that are not the folder's.
    links = [part for part in (path, *path.parents) if part != folder and folder in part.parents]
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return CheckedFile(name, "missing", None)
    if not stat.S_ISREG(found.st_mode) or any(part.is_symlink() for part in links):
        return CheckedFile(name, "changed", None)
    # The size first: a file of another size need not be read.
    same = found.st_size == entry.size and entry_of(path) == entry
    return CheckedFile(name, "same" if same else "changed", found.st_size)
