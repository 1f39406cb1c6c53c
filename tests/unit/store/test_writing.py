"""A file's name always stands for whole content; a refusal is one line that says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_export import store
from rnn_export.errors import StoreError


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    store.write_bytes(path, b"old")
    store.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert listed(tmp_path) == ["report.json"]


def test_a_missing_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no such file or directory\. Make its folder first"):
        store.write_bytes(tmp_path / "nowhere" / "report.json", b"x")


def test_a_folder_in_the_way_is_refused_and_stays(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(StoreError, match="Name a file, not a folder"):
        store.write_bytes(tmp_path / "report.json", b"x")
    assert listed(tmp_path) == ["report.json"]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "meant")
    store.write_bytes(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "meant").read_bytes() == b"x"


def test_a_device_is_written_not_replaced() -> None:
    store.write_bytes(Path(os.devnull), b"x")
    assert not Path(os.devnull).is_file()


# A limit on the size of files stands in for a full disk: the write fails at the same place.
FULL = """
import resource, signal, sys
from pathlib import Path
from rnn_export import store
from rnn_export.errors import StoreError
root = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    if sys.argv[2] == "file":
        store.write_bytes(root / "net" / "rnn.onnx", bytes(10_000))
    else:
        with store.stage(root, "net") as staging:
            (staging.folder / "rnn.onnx").write_bytes(bytes(4000))
            staging.commit("0f" * 32, {"report.json": bytes(10_000)})
except StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("what", ["file", "artifact"])
def test_a_disk_that_fills_up_leaves_the_old_and_nothing_half_written(
    what: str, tmp_path: Path
) -> None:
    with store.stage(tmp_path, "net") as staging:
        (staging.folder / "rnn.onnx").write_bytes(b"old")
        staging.commit("0f" * 32, {})
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), what],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "a place that can be written to, got file too large" in done.stdout
    assert listed(tmp_path) == ["net"]
    assert listed(tmp_path / "net") == ["manifest.json", "rnn.onnx"]
    store.check_folder(tmp_path / "net").raise_for_damage()
