"""`build` stores what three runtimes agree on, leaves equal files alone, and lets one failure end no other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from rnn_export import presets, store
from rnn_export.builders.reference import run
from rnn_export.errors import ReadError, StoreError
from rnn_export.exporters import export
from rnn_export.network import Network
from rnn_export.readers import read
from rnn_export.workflows import making
from rnn_export.workflows.artifact import REQUIRED
from rnn_export.workflows.building import Built, build

pytestmark = pytest.mark.slow

TOML = """
[[network]]
name = "twice"
seed = 3
layers = [
  {class = "SimpleRNN", units = 5, return_sequences = true},
  {class = "SimpleRNN", units = 4, activation = "relu"},
]
input = {shape = ["time", 3]}
"""

PRESET = "last-output"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def built(out: Path) -> Built:
    """A preset; then the Keras file that came of it, as anyone's own; and a source that is no model."""
    described = out.parent / "nets.toml"
    described.write_text(TOML)
    first = build([PRESET, described], out=out)
    own, broken = out.parent / "own.keras", out.parent / "broken.keras"
    shutil.copyfile(out / PRESET / "model.keras", own)
    broken.write_bytes(b"no model")
    second = build([own, broken], out=out, jobs=2)
    return Built((*first.artifacts, *second.artifacts))


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.stem != "report"]
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def test_three_runtimes_agree_and_the_artifact_passes_its_check(built: Built, out: Path) -> None:
    artifact = built.artifacts[0]
    assert artifact.report is not None
    assert artifact.report.exit_code == 0
    assert set(REQUIRED) <= set(artifact.report.agreed)
    store.check_folder(out / PRESET).raise_for_damage()


def test_the_peers_translation_agrees_too_and_is_not_stored(built: Built, out: Path) -> None:
    artifact = built.artifacts[0]
    assert artifact.report is not None
    assert {case.form for case in artifact.report.cases} == {"", "rnn", "loop"}
    assert [path.name for path in (out / PRESET).glob("*.onnx")] == ["rnn.onnx"]


def test_a_users_own_file_is_stored_byte_for_byte(built: Built, out: Path) -> None:
    own = out.parent / "own.keras"
    assert built.artifacts[2].error is None
    assert (out / "own" / "model.keras").read_bytes() == own.read_bytes()
    assert (out / "own" / "rnn.onnx").read_bytes() == (out / PRESET / "rnn.onnx").read_bytes()


def test_a_source_that_cannot_be_read_is_an_error_of_its_own(built: Built, out: Path) -> None:
    broken = built.artifacts[3]
    assert isinstance(broken.error, ReadError)
    assert broken.report is None
    assert not (out / "broken").exists()
    assert built.exit_code == 4


def test_nothing_but_artifacts_is_left(built: Built, out: Path) -> None:
    assert sorted(path.name for path in out.iterdir()) == [PRESET, "own", "twice"]


def test_the_onnx_file_is_what_the_stored_keras_file_exports_to(built: Built, out: Path) -> None:
    exported = export(read(out / PRESET / "model.keras"))
    assert (
        exported.model.SerializeToString(deterministic=True)
        == (out / PRESET / "rnn.onnx").read_bytes()
    )


def test_the_test_data_are_the_presets_and_the_references(built: Built, out: Path) -> None:
    folder = out / PRESET / "test_data_set_0"
    name, x = store.read_tensor(folder / "input_0.pb")
    preset = presets.PRESETS[PRESET]
    assert x.shape[:2] == (preset.batch, preset.time)
    (expected,) = run(presets.network(PRESET), {name: x}, np.float64).values()
    _, stored = store.read_tensor(folder / "output_0.pb")
    np.testing.assert_array_equal(stored, expected.astype(np.float32))


def test_a_second_build_rewrites_nothing_though_keras_saves_other_bytes(
    built: Built, out: Path
) -> None:
    before = stamps(out / PRESET)
    again = build([PRESET], out=out)
    assert again.artifacts[0].changed == ()
    assert stamps(out / PRESET) == before


def test_an_export_that_computes_something_else_is_not_stored(
    built: Built, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "export", lambda network, form: Wrong(export, network, form))
    before = stamps(out / PRESET)
    (artifact,) = build([PRESET], out=out).artifacts
    assert artifact.report is not None
    assert artifact.report.exit_code == 1
    assert artifact.rejected is not None
    assert (artifact.rejected / "rnn.onnx").is_file()
    assert stamps(out / PRESET) == before


class Wrong:
    """An exporter that adds 1e-4 to one weight of what it saves."""

    def __init__(self, right: Callable[..., Any], network: Network, form: str) -> None:
        self._exported = right(network, form=form)

    def save(self, path: Path) -> None:
        model = onnx.ModelProto()
        model.CopyFrom(self._exported.model)
        weight = next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 3)
        values = numpy_helper.to_array(weight).copy()
        values[0, 0, 0] += np.float32(1e-4)
        weight.CopyFrom(numpy_helper.from_array(values, weight.name))
        path.write_bytes(model.SerializeToString())


def test_a_network_of_a_toml_file_is_built_under_its_name(built: Built, out: Path) -> None:
    artifact = built.artifacts[1]
    assert artifact.error is None
    assert artifact.name == "twice"
    assert artifact.source.endswith("nets.toml:twice")
    assert (out / "twice" / "rnn.onnx").is_file()


def test_a_fault_of_ours_on_one_network_ends_no_other(
    built: Built, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(network: Network, form: str) -> None:
        raise ZeroDivisionError(form)

    monkeypatch.setattr(making, "export", faulty)
    own = out.parent / "own.keras"
    found = build([own, "missing.keras"], out=out.parent / "faulty").artifacts
    assert "got ZeroDivisionError: rnn" in str(found[0].error)
    assert isinstance(found[1].error, ReadError)
    assert not any((out.parent / "faulty").iterdir())


def test_two_sources_of_one_artifact_are_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"expected one source, got a/model\.keras and b/model\.keras"
    ):
        build(["a/model.keras", "b/model.keras"], out=tmp_path)


def test_progress_is_told_for_each(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    build(["missing.keras"], out=tmp_path, tell=lambda *step: told.append(step))
    assert told == [("", 0, 1), ("missing", 1, 1)]
