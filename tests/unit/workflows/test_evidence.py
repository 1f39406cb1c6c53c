"""Evidence gives the same verdict again without running anything, and damage to it is never a verdict."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rnn_export.errors import RnnExportError, StoreError
from rnn_export.verifier import Report
from rnn_export.workflows.evidence import rejudge
from rnn_export.workflows.verification import verify

ARTIFACT = Path(__file__).resolve().parents[3] / "artifacts" / "cell"


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    folder = tmp_path_factory.mktemp("evidence") / "kept"
    report = verify(
        ARTIFACT / "model.keras",
        ARTIFACT / "rnn.onnx",
        runtimes=["numpy", "onnxruntime:cpu"],
        evidence=folder,
    )
    return report, folder


@pytest.fixture
def copied(verified: tuple[Report, Path], tmp_path: Path) -> Path:
    shutil.copytree(verified[1], tmp_path / "kept")
    return tmp_path / "kept"


def test_the_verdict_is_the_same_in_every_figure(verified: tuple[Report, Path]) -> None:
    report, folder = verified
    again = rejudge(folder)
    assert again.exit_code == report.exit_code == 0
    assert len(report.cases) >= 2
    for before, after in zip(report.cases, again.cases, strict=True):
        assert after.verdict == before.verdict
        assert (after.form, after.runtime, after.version) == (
            before.form,
            before.runtime,
            before.version,
        )
        assert dict(after.inputs) == dict(before.inputs)


@pytest.mark.parametrize("pattern", ["observation-*.npz", "observation-*.json", "source.keras"])
def test_evidence_that_was_edited_is_refused(copied: Path, pattern: str) -> None:
    path = sorted(copied.glob(pattern))[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x01
    path.write_bytes(data)
    with pytest.raises(StoreError, match="edited"):
        rejudge(copied)


def test_an_index_that_was_edited_is_refused(copied: Path) -> None:
    path = copied / "index.json"
    index = json.loads(path.read_text())
    first = next(iter(index["sha256"]))
    for changed in (
        {**index, "source": "another"},
        {
            **index,
            "sha256": {name: digest for name, digest in index["sha256"].items() if name != first},
        },
    ):
        path.write_text(json.dumps(changed))
        with pytest.raises(StoreError, match="edited"):
            rejudge(copied)


def test_the_evidence_can_be_read_with_numpy_and_json_alone(copied: Path) -> None:
    header = json.loads((copied / "observation-000.json").read_text())
    names = [name for name, _ in header["arrays"]]
    with np.load(copied / "observation-000.npz") as held:
        assert held[f"a{names.index('feeds/x')}"].dtype == np.float32


def test_a_folder_with_files_in_it_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="expected an empty folder"):
        verify(ARTIFACT / "model.keras", runtimes=["numpy"], evidence=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_no_evidence_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StoreError, match="expected evidence, got"):
            rejudge(folder)


@pytest.mark.parametrize("cut", [0, 3, 20, 200, -1])
def test_an_observation_that_is_cut_off_is_refused(copied: Path, cut: int) -> None:
    path = sorted(copied.glob("observation-*"))[0]
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(StoreError, match="evidence as"):
        rejudge(copied)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"file": "../source.keras"},
        {"file": 3},
        {"network": "0" * 64},
        {"file": "none.keras"},
    ],
)
def test_an_index_that_was_changed_is_one_line(copied: Path, change: dict[str, object]) -> None:
    index = json.loads((copied / "index.json").read_text())
    (copied / "index.json").write_text(json.dumps(index | change))
    with pytest.raises(RnnExportError) as caught:
        rejudge(copied)
    assert "\n" not in str(caught.value)
