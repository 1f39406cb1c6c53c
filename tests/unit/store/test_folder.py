"""An artifact is swapped in whole or not at all, and what comes out equal is not rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnn_export import store
from rnn_export.errors import StoreError

NETWORK = "ab" * 32


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def build(root: Path, files: dict[str, bytes], report: bytes = b"{}") -> tuple[str, ...]:
    with store.stage(root, "net") as staging:
        for name, data in files.items():
            path = staging.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return staging.commit(NETWORK, {"report.json": report})


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_committed_folder_holds_what_was_staged_and_passes_its_own_check(tmp_path: Path) -> None:
    changed = build(tmp_path, {"rnn.onnx": b"model", "test_data_set_0/input_0.pb": b"x"})
    assert changed == ("manifest.json", "rnn.onnx", "test_data_set_0/input_0.pb")
    checked = store.check_folder(tmp_path / "net")
    assert checked.network == NETWORK
    assert {file.name: file.state for file in checked.files} == {
        "manifest.json": "same",
        "rnn.onnx": "same",
        "test_data_set_0/input_0.pb": "same",
    }
    assert listed(tmp_path) == ["net"]


def test_equal_files_are_not_rewritten_but_the_report_is(tmp_path: Path) -> None:
    build(tmp_path, {"rnn.onnx": b"model"}, b"first")
    before = {path.name: path.stat() for path in (tmp_path / "net").iterdir()}
    assert build(tmp_path, {"rnn.onnx": b"model"}, b"second") == ()
    after = {path.name: path.stat() for path in (tmp_path / "net").iterdir()}
    for name in ("rnn.onnx", "manifest.json"):
        assert before[name].st_ino == after[name].st_ino
        assert before[name].st_mtime_ns == after[name].st_mtime_ns
    assert (tmp_path / "net" / "report.json").read_bytes() == b"second"


def test_only_the_files_that_changed_are_written_anew(tmp_path: Path) -> None:
    build(tmp_path, {"rnn.onnx": b"old", "model.keras": b"same", "scan.onnx": b"gone"})
    kept = (tmp_path / "net" / "model.keras").stat()
    changed = build(tmp_path, {"rnn.onnx": b"new", "model.keras": b"same"})
    assert changed == ("manifest.json", "rnn.onnx", "scan.onnx")
    assert (tmp_path / "net" / "model.keras").stat().st_ino == kept.st_ino
    assert contents(tmp_path / "net").keys() == {
        "manifest.json",
        "report.json",
        "rnn.onnx",
        "model.keras",
    }


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    build(tmp_path, {"rnn.onnx": b"model"})
    (tmp_path / "net" / "rnn.onnx").write_bytes(b"mOdel")
    assert build(tmp_path, {"rnn.onnx": b"model"}) == ("rnn.onnx",)
    store.check_folder(tmp_path / "net").raise_for_damage()


def test_files_that_are_not_the_artifacts_own_stay(tmp_path: Path) -> None:
    build(tmp_path, {"rnn.onnx": b"old"})
    (tmp_path / "net" / "notes.txt").write_text("mine")
    build(tmp_path, {"rnn.onnx": b"new"})
    assert (tmp_path / "net" / "notes.txt").read_text() == "mine"


def break_off(root: Path) -> None:
    with store.stage(root, "net") as staging:
        (staging.folder / "rnn.onnx").write_bytes(b"half")
        raise ZeroDivisionError


def test_an_exception_while_staging_leaves_the_artifact_before(tmp_path: Path) -> None:
    build(tmp_path, {"rnn.onnx": b"old"})
    with pytest.raises(ZeroDivisionError):
        break_off(tmp_path)
    assert (tmp_path / "net" / "rnn.onnx").read_bytes() == b"old"
    assert listed(tmp_path) == ["net"]


def test_rejected_files_are_set_aside_until_the_next_build(tmp_path: Path) -> None:
    build(tmp_path, {"rnn.onnx": b"good"})
    with store.stage(tmp_path, "net") as staging:
        (staging.folder / "rnn.onnx").write_bytes(b"bad")
        aside = staging.reject()
    assert (aside / "rnn.onnx").read_bytes() == b"bad"
    assert (tmp_path / "net" / "rnn.onnx").read_bytes() == b"good"
    build(tmp_path, {"rnn.onnx": b"good"})
    assert listed(tmp_path) == ["net"]


def test_a_report_that_a_killed_build_was_writing_is_cleared_up(tmp_path: Path) -> None:
    with store.stage(tmp_path, "net") as staging:
        staging.commit(NETWORK, {"report.json": b"{}"})
    (tmp_path / "net" / ".report.json.4711.part").write_bytes(b"{")
    (tmp_path / "net" / "notes.part").write_bytes(b"my own")
    with store.stage(tmp_path, "net") as staging:
        staging.commit(NETWORK, {"report.json": b"{}"})
    found = sorted(path.name for path in (tmp_path / "net").iterdir())
    assert found == ["manifest.json", "notes.part", "report.json"]


def test_keep_takes_the_file_before_with_its_dates(tmp_path: Path) -> None:
    build(tmp_path, {"model.keras": b"first save", "rnn.onnx": b"old"})
    before = (tmp_path / "net" / "model.keras").stat()
    with store.stage(tmp_path, "net") as staging:
        assert staging.before("model.keras") == tmp_path / "net" / "model.keras"
        assert staging.before("scan.onnx") is None
        staging.keep("model.keras")
        (staging.folder / "rnn.onnx").write_bytes(b"new")
        assert staging.commit(NETWORK, {}) == ("manifest.json", "rnn.onnx")
    after = (tmp_path / "net" / "model.keras").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_folder_that_is_no_artifact_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match="expected an artifact, or nothing, got a folder without"):
        build(tmp_path, {"rnn.onnx": b"model"})
    assert contents(tmp_path) == {"net/thesis.tex": b"years of work"}


def test_a_link_in_the_place_is_never_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "net").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="got a file or a link"):
        build(tmp_path, {"rnn.onnx": b"model"})
    assert contents(tmp_path / "elsewhere") == {}


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "x" * 201, "a\\b", "a\0b"])
def test_a_name_that_is_no_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="a name for a folder"), store.stage(tmp_path, name):
        pass
    assert listed(tmp_path) == []


def test_a_root_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    root = tmp_path / "out"
    root.write_text("a file")
    with pytest.raises(StoreError) as caught, store.stage(root, "net"):
        pass
    assert "\n" not in str(caught.value)
    assert root.read_text() == "a file"


def test_an_error_names_the_artifact_and_not_where_it_was_staged(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught, store.stage(tmp_path, "net") as staging:
        raise StoreError(str(staging.folder / "rnn.onnx"), expected="room", got="none")
    assert str(caught.value) == f"{tmp_path / 'net' / 'rnn.onnx'}: expected room, got none."
    assert listed(tmp_path) == []
