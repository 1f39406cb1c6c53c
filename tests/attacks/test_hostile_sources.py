"""Every hostile source ends in one clear line: no code run, no file written, little time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnn_export.errors import ReadError
from rnn_export.readers import Limits, read
from tests.attacks.hostile_configs import code, numbers, wiring
from tests.attacks.hostile_containers import containers
from tests.attacks.hostile_weights import legacy, stores
from tests.attacks.sound_keras import archive, changed

SECONDS, MEGABYTES = 5.0, 500
FILES = {**containers(), **code(), **wiring(), **numbers(), **stores()}
LEGACY = legacy()

# Reads every file of a folder and reports the worst.
READER = """
import json, sys, time
from pathlib import Path
from rnn_export.errors import ReadError
from rnn_export.readers import read
worst = {"seconds": 0.0, "file": "", "read": []}
for path in sorted(Path(sys.argv[1]).iterdir()):
    start = time.monotonic()
    try:
        read(path)
        worst["read"].append(path.name)
    except ReadError as error:
        assert "\\n" not in str(error), path.name
    seconds = time.monotonic() - start
    if seconds > worst["seconds"]:
        worst.update(seconds=seconds, file=path.name)
# Not getrusage, which counts what the parent held before it became this program.
status = Path("/proc/self/status").read_text().split()
worst["megabytes"] = int(status[status.index("VmHWM:") + 1]) / 1024
worst["modules"] = sorted(name for name in sys.modules if name.partition(".")[0] in ("keras", "tensorflow", "evil"))
print(json.dumps(worst))
"""


def test_the_sound_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sound.keras"
    path.write_bytes(archive())
    assert [type(call.op).__name__ for call in read(path).calls] == ["Recurrent", "Dense"]


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_ends_in_one_clear_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.keras"
    path.write_bytes(FILES[name])
    start = time.monotonic()
    with pytest.raises(ReadError) as caught:
        read(path)
    assert time.monotonic() - start < SECONDS
    text = str(caught.value)
    assert "\n" not in text
    assert 20 < len(text) < 1000
    assert caught.value.subject
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", LEGACY)
def test_a_hostile_legacy_file_ends_in_one_clear_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.h5"
    path.write_bytes(LEGACY[name])
    with pytest.raises(ReadError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_there_are_at_least_sixty_hostile_files() -> None:
    assert len(FILES) + len(LEGACY) >= 60


def test_all_hostile_files_together_cost_little(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, data in {**FILES, **LEGACY}.items():
        (folder / f"{name}.keras").write_bytes(data)
    process = subprocess.run(
        [sys.executable, "-c", READER, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert process.returncode == 0, process.stderr
    worst = json.loads(process.stdout)
    assert worst["read"] == []
    assert worst["seconds"] < SECONDS, worst
    assert worst["megabytes"] < MEGABYTES, worst
    assert worst["modules"] == []


def test_what_only_training_needs_is_neither_read_nor_run(tmp_path: Path) -> None:
    evil = {
        "module": "os",
        "class_name": "function",
        "config": "system",
        "registered_name": "system",
    }
    path = tmp_path / "compiled.keras"
    path.write_bytes(changed(lambda config: config.update(compile_config={"loss": evil})))
    assert len(read(path).calls) == 2


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("archive_members", Limits(archive_members=2)),
        ("archive_bytes", Limits(archive_bytes=100)),
        ("config_bytes", Limits(config_bytes=100)),
        ("config_depth", Limits(config_depth=3)),
        ("config_parts", Limits(config_parts=9)),
        ("layers", Limits(layers=2)),
        ("calls", Limits(calls=1)),
        ("units", Limits(units=3)),
        ("hdf5_objects", Limits(hdf5_objects=3)),
        ("hdf5_depth", Limits(hdf5_depth=2)),
    ],
)
def test_each_limit_holds_and_is_named(name: str, limits: Limits, tmp_path: Path) -> None:
    path = tmp_path / "sound.keras"
    path.write_bytes(archive())
    with pytest.raises(ReadError, match=rf"Limits\.{name}"):
        read(path, limits=limits)


@pytest.mark.parametrize("kind", ["pipe", "directory", "nothing"])
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    with pytest.raises(ReadError, match=str(path)):
        read(path)
