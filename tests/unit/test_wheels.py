"""The wheel and the source archive: the same bytes each time, all that is needed inside, and they work from there."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "rnn_export", "scripts", "tests")
LEFT_OUT = shutil.ignore_patterns("__pycache__")
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
            shutil.copytree(source, place / part, ignore=LEFT_OUT)
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
def test_two_builds_have_the_same_bytes_and_hold_every_file(tmp_path: Path) -> None:
    first = built(tmp_path / "one", tmp_path / "out-1")
    second = built(tmp_path / "another" / "place", tmp_path / "out-2")
    assert sorted(name.rpartition(".")[2] for name in first) == ["gz", "whl"]
    assert first == second
    source = tmp_path / "one"
    package = {str(path.relative_to(source)) for path in files_of(source / "rnn_export")}
    assert {"rnn_export/py.typed", "rnn_export/workflows/capabilities.json"} <= package
    with zipfile.ZipFile(next((tmp_path / "out-1").glob("*.whl"))) as wheel:
        assert {name for name in wheel.namelist() if ".dist-info/" not in name} == package
    with tarfile.open(next((tmp_path / "out-1").glob("*.gz"))) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {str(path.relative_to(source)) for path in files_of(source)} <= inside


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


INSTALLED = """
import pathlib, sys, rnn_export
assert pathlib.Path(rnn_export.__file__).is_relative_to(sys.prefix), rnn_export.__file__
network = rnn_export.read("model.keras")
rnn_export.export(network).save("from_python.onnx")
"""


@pytest.mark.nightly
def test_the_wheel_works_in_a_clean_environment_and_passes_the_archives_tests(
    tmp_path: Path,
) -> None:
    built(tmp_path / "checkout", tmp_path / "out")
    (wheel,) = (tmp_path / "out").glob("*.whl")
    (archive,) = (tmp_path / "out").glob("*.gz")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    programs = tmp_path / "venv/bin"
    work = tmp_path / "work"
    shutil.copytree(ROOT / "artifacts/last-output", work)
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}

    def run(*words: str | Path, folder: Path = work) -> None:
        done = subprocess.run(
            [str(programs / words[0]), *map(str, words[1:])],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"

    install = ("python", "-m", "pip", "install", "-q", "-c", ROOT / "scripts/constraints.txt")
    run(*install, wheel)
    # The core alone: no Keras, no TensorFlow, no runtime.
    run("rnn-export", "--help")
    run("rnn-export", "export", "model.keras", "-o", "again.onnx")
    assert (work / "again.onnx").read_bytes() == (work / "rnn.onnx").read_bytes()
    run("rnn-export", "inspect", "again.onnx")
    run("rnn-export", "check", ".")
    run("rnn-export", "verify", "model.keras", "again.onnx", "--runtime", "numpy",
        "--runtime", "onnx-reference", "--require", "onnx-reference", "--html", "report.html")  # fmt: skip
    run("python", "-c", INSTALLED)

    run(*install, "hypothesis", "onnxruntime", "pytest")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    # The tests of the archive, on the package that was installed.
    shutil.rmtree(source / "rnn_export")
    without_keras = (
        "network/test_network.py", "network/test_streaming.py", "store", "reports",
        "exporters/test_rnn_operator.py", "test_public_api.py",
    )  # fmt: skip
    run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider",
        *(source / "tests/unit" / name for name in without_keras), folder=source)  # fmt: skip
