"""Every file of the public list ends every command with one clear line, exit code 4, soon, and without a trace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attacks.commands import commands, complaints
from tests.attacks.hostile import Hostile, everything
from tests.attacks.hostile.codes import CANARY
from tests.attacks.trying import ROOT, tried

FILES = {item.name: item for item in everything()}
GROUPS = ("inspect", "export", "verify", "build")

SAMPLE = (
    "bomb-config",
    "traversal",
    "module-layer",
    "lambda-layer",
    "external-link",
    "many-members",
    "legacy-lambda",
    "onnx-data-link",
    "onnx-empty-nodes",
    "onnx-loop",
)
"""Tried as people do: a process of its own for each."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def made(folder: Path) -> dict[str, Path]:
    return {name: item.make(folder / "files") for name, item in FILES.items()}


@pytest.fixture(scope="module")
def canary(folder: Path) -> Path:
    """A folder on the search path with the module that some of the files name; it tells when it is imported."""
    place = folder / "canary"
    place.mkdir()
    mark = f"open({str(place / 'imported')!r}, 'w')"
    (place / f"{CANARY}.py").write_text(mark)
    return place


def test_there_are_at_least_sixty_files() -> None:
    assert len(FILES) >= 60


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_each_file_ends_each_command_as_it_must(
    group: str, made: dict[str, Path], canary: Path, folder: Path
) -> None:
    temporary, out = folder / f"temporary-{group}", folder / f"out-{group}"
    temporary.mkdir()
    out.mkdir()
    before = _listing(folder / "files")
    asked: list[tuple[Hostile, Sequence[str]]] = [
        (FILES[name], words)
        for name, file in made.items()
        for words in commands(FILES[name], file, out)
        if words[0] == group
    ]
    variables = {"TMPDIR": str(temporary), "PYTHONPATH": str(canary)}
    ends = tried([words for _, words in asked], out, variables)
    wrong = [
        f"{item.name}: {complaint}"
        for (item, _), ended in zip(asked, ends, strict=True)
        for complaint in complaints(item, ended, temporary)
    ]
    assert wrong == []
    assert list(out.iterdir()) == []
    assert list(temporary.iterdir()) == []
    assert _listing(folder / "files") == before
    assert not (canary / "imported").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_a_whole_process_ends_so_too(
    name: str, made: dict[str, Path], canary: Path, tmp_path: Path
) -> None:
    words = commands(FILES[name], made[name], tmp_path)[0]
    done = subprocess.run(
        [sys.executable, "-m", "rnn_export", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(canary)))},
        timeout=60,
    )
    assert done.returncode == 4, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert FILES[name].refused in line
    assert list(tmp_path.iterdir()) == []
    assert not (canary / "imported").exists()


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    facts = [(str(path), path.lstat()) for path in sorted(folder.rglob("*"))]
    return [(name, held.st_size, held.st_mtime_ns) for name, held in facts]
