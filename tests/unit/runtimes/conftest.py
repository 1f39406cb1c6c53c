"""Registers the faulty runtimes for the tests that ask for them, and connects to them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_export.runtimes import Connection, Options, connect
from tests.unit.runtimes import faulty
from tests.unit.runtimes.workers import Connected

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the faulty runtimes as an installed package would: by its metadata on the path."""
    folder = tmp_path / "site" / "faulty-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1\n")
    lines = [f"faulty:{name} = tests.unit.runtimes.faulty:{name}" for name in faulty.NAMES]
    text = "\n".join(["[rnn_export.runtimes]", *(f"{line}" for line in lines)])
    (folder / "entry_points.txt").write_text(text)
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder.parent), str(ROOT)]))
    # So that a test sees what a worker leaves in the folder for temporary files.
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


@pytest.fixture
def connected(registered: None) -> Iterator[Connected]:
    opened: list[Connection] = []

    def make(name: str, **options: object) -> Connection:
        opened.append(connect(f"faulty:{name}", Options(**options)))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for connection in opened:
        connection.close()
