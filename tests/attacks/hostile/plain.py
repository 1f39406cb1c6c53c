"""Files that are no model at all, or no file."""

from __future__ import annotations

import os
from pathlib import Path

from tests.attacks.hostile.listing import CORPUS, hostile

ORIGINAL = CORPUS / "sequential.keras"


@hostile("an empty file", "expected a .keras file")
def empty(folder: Path) -> None:
    (folder / "model.keras").touch()


@hostile("bytes without meaning", "expected a .keras file")
def random_bytes(folder: Path) -> None:
    (folder / "model.keras").write_bytes(bytes(range(256)) * 64)


@hostile("the first half of a model", "expected a .keras file")
def half(folder: Path) -> None:
    data = ORIGINAL.read_bytes()
    (folder / "model.keras").write_bytes(data[: len(data) // 2])


@hostile("a model without its last byte", "expected a .keras file")
def last_byte_gone(folder: Path) -> None:
    (folder / "model.keras").write_bytes(ORIGINAL.read_bytes()[:-1])


@hostile("a model without its first kilobyte", "damaged")
def first_bytes_gone(folder: Path) -> None:
    (folder / "model.keras").write_bytes(ORIGINAL.read_bytes()[1024:])


@hostile("a folder in place of a file", "got a directory")
def directory(folder: Path) -> None:
    (folder / "model.keras").mkdir()


@hostile("a pipe that nobody writes to: reading it would wait for ever", "a device or a pipe")
def pipe(folder: Path) -> None:
    os.mkfifo(folder / "model.keras")


@hostile("a link to a device without an end", "a device or a pipe")
def endless_device(folder: Path) -> None:
    (folder / "model.keras").symlink_to("/dev/zero")


@hostile("a link to itself", "model.keras")
def link_in_a_circle(folder: Path) -> None:
    (folder / "model.keras").symlink_to(folder / "model.keras")


@hostile("a link to nothing", "no such file")
def dangling_link(folder: Path) -> None:
    (folder / "model.keras").symlink_to(folder / "nothing.keras")
