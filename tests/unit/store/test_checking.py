"""Any changed byte of an artifact is found, and a manifest cannot point outside its folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_export import store
from rnn_export.errors import StoreError
from rnn_export.store.manifest import Entry, Manifest, entry_of


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    with store.stage(tmp_path, "net") as staging:
        (staging.folder / "rnn.onnx").write_bytes(bytes(range(256)))
        (staging.folder / "empty").write_bytes(b"")
        staging.commit("0f" * 32, {"report.json": b"{}"})
    return tmp_path / "net"


def states(folder: Path) -> dict[str, str]:
    return {file.name: file.state for file in store.check_folder(folder).files}


@pytest.mark.parametrize("at", [0, 100, 255])
def test_a_changed_byte_of_a_file_is_found(artifact: Path, at: int) -> None:
    data = bytearray((artifact / "rnn.onnx").read_bytes())
    data[at] ^= 1
    (artifact / "rnn.onnx").write_bytes(data)
    checked = store.check_folder(artifact)
    assert [file.name for file in checked.damaged] == ["rnn.onnx"]
    with pytest.raises(StoreError, match=r"got rnn\.onnx changed"):
        checked.raise_for_damage()


def test_every_changed_byte_of_the_manifest_is_found(artifact: Path) -> None:
    original = (artifact / "manifest.json").read_bytes()
    for at in range(len(original)):
        data = bytearray(original)
        data[at] ^= 1
        (artifact / "manifest.json").write_bytes(data)
        with pytest.raises(StoreError, match="manifest of schema 1"):
            store.check_folder(artifact)


def test_a_missing_file_a_longer_file_and_a_stray_file_are_told_apart(artifact: Path) -> None:
    (artifact / "rnn.onnx").unlink()
    (artifact / "empty").write_bytes(b"x")
    (artifact / "notes.txt").write_bytes(b"mine")
    assert states(artifact) == {
        "manifest.json": "same",
        "empty": "changed",
        "rnn.onnx": "missing",
        "notes.txt": "not in the manifest",
    }


def test_a_file_replaced_by_a_link_to_equal_bytes_is_changed(
    artifact: Path, tmp_path: Path
) -> None:
    (artifact / "rnn.onnx").rename(tmp_path / "elsewhere.onnx")
    (artifact / "rnn.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    assert states(artifact)["rnn.onnx"] == "changed"


def test_a_folder_replaced_by_a_link_to_equal_files_is_changed(tmp_path: Path) -> None:
    with store.stage(tmp_path, "net") as staging:
        (staging.folder / "inner").mkdir()
        (staging.folder / "inner" / "x").write_bytes(b"x")
        staging.commit("0f" * 32, {})
    (tmp_path / "net" / "inner").rename(tmp_path / "elsewhere")
    (tmp_path / "net" / "inner").symlink_to(tmp_path / "elsewhere")
    assert states(tmp_path / "net")["inner/x"] == "changed"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", "./x", "."])
def test_a_manifest_cannot_name_a_path_outside_the_folder(tmp_path: Path, name: str) -> None:
    text = Manifest("0f" * 32, {name: Entry("00" * 32, 0)}).text()
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match="a path outside the folder"):
        store.check_folder(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"schema": 2}',
        b'{"schema": 1, "network": "x", "files": 3}',
        b" " * (2**20 + 1),
        b"[" * 100_000,
    ],
)
def test_other_content_than_a_manifest_is_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(StoreError) as caught:
        store.check_folder(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_manifest_and_no_folder_at_all_are_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StoreError, match=r"an artifact folder with manifest\.json"):
            store.check_folder(folder)


def test_the_manifest_is_plain_json_that_others_can_read(artifact: Path) -> None:
    parts = json.loads((artifact / "manifest.json").read_text())
    assert parts["schema"] == 1
    assert parts["network"] == "0f" * 32
    assert parts["files"]["rnn.onnx"]["size"] == 256
    assert parts["files"].keys() == {"rnn.onnx", "empty"}


def test_checking_takes_constant_memory(tmp_path: Path) -> None:
    size = 256 * 2**20
    with (tmp_path / "weights.data").open("wb") as file:
        file.truncate(size)
    entry = entry_of(tmp_path / "weights.data")
    (tmp_path / "manifest.json").write_text(Manifest("0f" * 32, {"weights.data": entry}).text())
    code = (
        "import resource, sys; from pathlib import Path; from rnn_export import store\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); store.check_folder(Path(sys.argv[1])).raise_for_damage()\n"
        "print(1024 * (peak() - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < size // 16
