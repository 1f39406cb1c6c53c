"""``inspect``, ``check``, ``presets`` and ``doctor`` show what there is, to people and to programs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from rnn_export import presets
from rnn_export.runtimes import names
from tests.unit.cli.programs import one_line, program

ARTIFACTS = Path(__file__).resolve().parents[3] / "artifacts"


def test_inspect_shows_the_layers_of_a_keras_file() -> None:
    done = program("inspect", ARTIFACTS / "embedding-stack4" / "model.keras")
    assert done.returncode == 0, done.stderr
    assert "328,320 parameters" in done.stdout
    assert done.stdout.count("SimpleRNN") == 4


def test_inspect_shows_nodes_opset_axes_and_metadata_of_an_onnx_file() -> None:
    done = program("inspect", ARTIFACTS / "embedding-stack4" / "rnn.onnx")
    assert done.returncode == 0, done.stderr
    assert "opset 17" in done.stdout
    assert "(batch, time)" in done.stdout
    assert "4 RNN" in done.stdout
    assert f"rnn_export.network: {presets.network('embedding-stack4').digest}" in done.stdout


def test_inspect_as_json_has_the_same() -> None:
    done = program("inspect", ARTIFACTS / "last-output" / "rnn.onnx", "--json", "-")
    facts = json.loads(done.stdout)
    assert facts["opsets"] == {"": 17}
    assert [port["name"] for port in facts["outputs"]] == ["simple_rnn"]


def test_check_passes_a_whole_artifact_and_fails_a_changed_one(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    shutil.copytree(ARTIFACTS / "last-output", folder)
    assert program("check", folder).returncode == 0
    data = bytearray((folder / "rnn.onnx").read_bytes())
    data[-1] ^= 1
    (folder / "rnn.onnx").write_bytes(data)
    done = program("check", folder)
    assert done.returncode == 4
    assert "got rnn.onnx changed" in one_line(done)
    assert "changed" in done.stdout


def test_check_of_no_artifact_is_exit_code_4(tmp_path: Path) -> None:
    done = program("check", tmp_path)
    assert done.returncode == 4
    assert "`build` makes one" in one_line(done)


def test_presets_lists_each_with_its_parameters() -> None:
    listed = json.loads(program("presets", "--json", "-").stdout)
    assert [item["name"] for item in listed] == list(presets.names())
    assert {item["name"]: item["parameters"] for item in listed}["embedding-last"] == 326_208


def test_doctor_has_one_row_for_each_runtime() -> None:
    done = program("doctor")
    assert done.returncode == 0, done.stderr
    rows = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    assert set(names()) <= set(rows)
    assert {"Python", "numpy", "onnx"} <= set(rows)
