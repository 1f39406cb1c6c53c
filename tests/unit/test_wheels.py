"""The wheel and the source archive, built twice from one checkout, have the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "rnn_export")
BUILD = """
import sys
from hatchling import build
print(build.build_wheel(sys.argv[1]), build.build_sdist(sys.argv[1]))
"""


def built(place: Path, out: Path) -> dict[str, str]:
    """Build in a fresh copy of the checkout, whose dates and folder differ each time."""
    place.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, place / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / part)
    for path in place.rglob("*"):
        os.utime(path, (time.time() - len(str(place)), time.time() - len(str(place))))
    out.mkdir()
    environment = {name: text for name, text in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(
        [sys.executable, "-c", BUILD, str(out)],
        check=True,
        cwd=place,
        env=environment,
        capture_output=True,
    )
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}


@pytest.mark.slow
def test_two_builds_have_the_same_bytes(tmp_path: Path) -> None:
    first = built(tmp_path / "one", tmp_path / "out-1")
    second = built(tmp_path / "another" / "place", tmp_path / "out-2")
    assert sorted(name.rpartition(".")[2] for name in first) == ["gz", "whl"]
    assert first == second
