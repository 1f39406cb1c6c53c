"""An artifact being written: staged beside its place under a lock, then swapped in whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from rnn_export.errors import RnnExportError, StoreError
from rnn_export.store.locking import locked
from rnn_export.store.manifest import MANIFEST, Entry, Manifest, entry_of, read_manifest
from rnn_export.store.swapping import recover, remove, swap_in
from rnn_export.store.writing import partial_of, storing, sync, write_bytes

REPORTS = ("report.json", "report.html")
"""Beside the manifest, not in it: they hold times and differ from run to run."""

STAGED = ".staged"

NAME_LIMIT = 200
"""Characters; file systems allow 255 bytes, and staging adds to the name."""


class Staging:
    """A folder to write an artifact's files into; made by `stage`.

    Args:
        folder: where to write.
        place: where `commit` puts it; may hold the artifact before.
    """

    def __init__(self, folder: Path, place: Path) -> None:
        self.folder = folder
        self.place = place

    def before(self, name: str) -> Path | None:
        """Return the file ``name`` of the artifact that is in the place now, if there is one."""
        path = self.place / name
        return path if path.is_file() else None

    def keep(self, name: str) -> None:
        """Have the file of the artifact before, as it is, in this one too.

        Raises:
            StoreError: it cannot be linked or copied.
        """
        with storing(self.place):
            _link(self.place / name, self.folder / name)

    def commit(self, network: str, reports: dict[str, bytes]) -> tuple[str, ...]:
        """Put the artifact in its place. Files that came out equal are left as they are, dates included.

        Args:
            network: the network's digest.
            reports: content of `report.json` and its kin, which do not count as a change.

        Returns:
            The files that are new, changed or gone, in order; none when all came out equal.

        Raises:
            StoreError: the disk is full, the place read-only, ...; the artifact before is still there.
        """
        with storing(self.place):
            staged = _entries(self.folder)
            manifest = Manifest(network, staged).text().encode()
            (self.folder / MANIFEST).write_bytes(manifest)
            staged[MANIFEST] = entry_of(self.folder / MANIFEST)
            before = _entries(self.place) if self.place.exists() else {}
            owned = _owned(before, self.place)
            changed = {name for name in staged if before.get(name) != staged[name]}
            changed |= owned - staged.keys()
        if changed:
            self._replace(staged, before, owned, reports)
        else:
            for name, data in reports.items():
                write_bytes(self.place / name, data)
        return tuple(sorted(changed))

    def reject(self) -> Path:
        """Set the staged files aside for a look, beside the artifact, which stays; return where they are.

        Raises:
            StoreError: they cannot be renamed.
        """
        aside = self.place.with_name(f".{self.place.name}.rejected")
        with storing(aside):
            self.folder.rename(aside)
        return aside

    def _replace(
        self,
        staged: dict[str, Entry],
        before: dict[str, Entry],
        owned: set[str],
        reports: dict[str, bytes],
    ) -> None:
        with storing(self.place):
            for name, data in reports.items():
                (self.folder / name).write_bytes(data)
            for name, entry in before.items():
                if staged.get(name) == entry:
                    (self.folder / name).unlink()
                    _link(self.place / name, self.folder / name)
                elif name not in owned and name not in staged:
                    # Somebody's own notes: not the artifact's, so not the artifact's to lose.
                    _link(self.place / name, self.folder / name)
            for path in sorted(self.folder.rglob("*")):
                sync(path)
            sync(self.folder)
            swap_in(self.folder, self.place, _previous(self.place))
            sync(self.place.parent)


@contextmanager
def stage(root: Path, name: str, *, wait: float = 0.0) -> Iterator[Staging]:
    """Open the artifact ``name`` in ``root`` for writing; without `commit` nothing of it remains.

    What an interrupted build has left is cleared first.

    Args:
        root: the folder of the artifacts.
        name: of the artifact.
        wait: seconds to wait for another build of it.

    Raises:
        StoreError: another build of it is at work, the place cannot be written to, or it holds a folder
            that is not an artifact and must not be replaced.
    """
    place = root / artifact_name(name)
    with storing(root):
        root.mkdir(parents=True, exist_ok=True)
    with locked(root / f".{name}.lock", str(place), wait):
        with storing(place):
            recover(place, _previous(place))
            for leftover in (_previous(place), root / f".{name}.rejected", *_staged(root, name)):
                remove(leftover)
            _refuse_foreign(place)
            for report in REPORTS:
                # A report that was being replaced, in an artifact that stayed as it was.
                for unfinished in place.glob(partial_of(report)):
                    unfinished.unlink()
            # A name of its own each time: a process that a killed build has left behind may still be writing
            # into the old one.
            staged = root / f".{name}.{token_hex(4)}{STAGED}"
            staged.mkdir()
        try:
            yield Staging(staged, place)
        except RnnExportError as error:
            if str(staged) not in error.subject:
                raise
            # Nobody has heard of the folder that it was staged in.
            named = error.subject.replace(str(staged), str(place))
            raise type(error)(
                named, expected=error.expected, got=error.got, advice=error.advice
            ) from error
        finally:
            with storing(place):
                remove(staged)


def _staged(root: Path, name: str) -> Iterator[Path]:
    """Yield the folders that builds of an artifact have staged and not cleared away."""
    for path in root.iterdir():
        inner = path.name.removeprefix(f".{name}.").removesuffix(STAGED)
        if path.name == f".{name}.{inner}{STAGED}" and "." not in inner:
            yield path


def artifact_name(name: str) -> str:
    """Return ``name`` if it can be a folder of its own.

    Raises:
        StoreError: it is empty, hidden, too long or has a separator in it.
    """
    if not name or name.startswith(".") or len(name) > NAME_LIMIT or set(name) & set("/\\\0"):
        raise StoreError(
            f"artifact {name!r}",
            expected=f"a name for a folder, at most {NAME_LIMIT} characters and no '/'",
            got=repr(name),
            advice="Rename the source.",
        )
    return name


def _previous(place: Path) -> Path:
    return place.with_name(f".{place.name}.previous")


def _refuse_foreign(place: Path) -> None:
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        got = "a file or a link"
    elif place.is_dir() and not (place / MANIFEST).is_file() and any(place.iterdir()):
        got = f"a folder without {MANIFEST}"
    else:
        return
    raise StoreError(
        str(place),
        expected="an artifact, or nothing",
        got=got,
        advice="It is left as it is; write to another folder with --out.",
    )


def _entries(folder: Path) -> dict[str, Entry]:
    """Return every file below ``folder`` but the reports, by its path with "/"."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in REPORTS:
            found[name] = entry_of(path)
    return found


def _owned(before: dict[str, Entry], place: Path) -> set[str]:
    """Return which files of the artifact before are its own: those that its manifest names, and the manifest."""
    if MANIFEST not in before:
        return set()
    try:
        return {MANIFEST, *read_manifest(place).files} & before.keys()
    except StoreError:
        # A damaged manifest names nothing that can be trusted: every file stays, under the new manifest.
        return {MANIFEST}


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        # A file system without hard links.
        shutil.copy2(source, target)
