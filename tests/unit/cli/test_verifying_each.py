"""``verify`` of several sources: each is judged, whatever became of the others, and the worst decides the exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from rnn_export.exporters import export
from rnn_export.readers import read
from rnn_export.workflows.shards import Shard
from rnn_export.workflows.verifying_each import Wanted, subjects
from tests.unit.cli.programs import program

ROOT = Path(__file__).resolve().parents[3]
TINY = ROOT / "tests" / "attacks" / "corpus" / "tiny.keras"
RUNTIMES = ("--runtime", "numpy", "--runtime", "onnxruntime:cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model, its export, one with a changed weight, and a file that is no model."""
    shutil.copyfile(TINY, tmp_path / "sound.keras")
    (tmp_path / "broken.keras").write_bytes(b"no model")
    export(read(TINY)).save(tmp_path / "sound.onnx")
    model = onnx.load(tmp_path / "sound.onnx")
    weight = next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 3)
    values = numpy_helper.to_array(weight).copy()
    values[0, 1, 1] += np.float32(1e-2)
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    onnx.save(model, tmp_path / "changed.onnx")
    return tmp_path


def test_each_is_told_and_an_error_of_one_ends_no_other(folder: Path) -> None:
    words = ("broken.keras", "sound.keras", "sound.onnx", "sound.keras", "changed.onnx")
    files = ("--json", "all.json", "--junit", "all.xml", "--jobs", "2")
    done = program("verify", *words, *RUNTIMES, *files, folder=folder)
    assert done.returncode == 4, done.stderr
    assert done.stdout.splitlines()[0] == "1 of 3 sources pass"
    told = [line for line in done.stderr.splitlines() if not line.startswith("verifying")]
    assert len(told) == 1
    assert "broken.keras: expected a .keras file" in told[0]
    document = json.loads((folder / "all.json").read_text())
    assert document["exit_code"] == 4
    first, second, third = document["sources"]
    assert first["report"] is None
    assert "broken.keras" in first["error"]
    assert (second["error"], second["report"]["verdict"]) == (None, "PASS")
    assert (third["error"], third["report"]["verdict"]) == (None, "FAIL")
    suites = ElementTree.parse(folder / "all.xml").getroot()
    wrong = [int(suite.get("failures", 0)) + int(suite.get("errors", 0)) for suite in suites]
    assert [count > 0 for count in wrong] == [True, False, True]


def test_a_failure_is_exit_code_1_and_a_missing_pass_3(folder: Path) -> None:
    failed = program(
        "verify", "sound.keras", "sound.keras", "changed.onnx", *RUNTIMES, folder=folder
    )
    assert failed.returncode == 1
    # Nothing that runs an ONNX file was asked for.
    words = ("sound.keras", "sound.onnx", "sound.keras", "--runtime", "numpy")
    unproven = program("verify", *words, folder=folder)
    assert unproven.returncode == 3
    assert unproven.stdout.splitlines()[0] == "1 of 2 sources pass"


@pytest.mark.parametrize("option", [("--evidence", "kept"), ("--html", "page.html")])
def test_what_belongs_to_one_source_is_usage_with_several(
    option: tuple[str, str], folder: Path
) -> None:
    done = program("verify", "sound.keras", "sound.keras", *option, folder=folder)
    assert done.returncode == 2
    assert "are of one source" in done.stderr


def test_a_shard_is_judged_alone(folder: Path) -> None:
    words = ("sound.keras", "broken.keras", "sound.keras")
    done = program("verify", *words, "--runtime", "numpy", "--shard", "2/2", folder=folder)
    assert done.returncode == 4
    assert done.stdout.splitlines()[0] == "0 of 1 sources pass"
    assert program("verify", *words, "--shard", "3/2", folder=folder).returncode == 2
    alone = program("verify", "broken.keras", "--shard", "2/2", folder=folder)
    assert (alone.returncode, alone.stdout.splitlines()[0]) == (0, "0 of 0 sources pass")


def test_onnx_files_belong_to_the_source_before_them_and_a_folder_stands_for_its_files(
    tmp_path: Path,
) -> None:
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    for name in ("manifest.json", "model.keras", "rnn.onnx", "scan.onnx"):
        (artifact / name).touch()
    assert subjects(["a.keras", "b.onnx", "c.onnx", "d.h5", str(artifact)]) == (
        Wanted("a.keras", ("b.onnx", "c.onnx")),
        Wanted("d.h5"),
        Wanted(
            str(artifact / "model.keras"),
            (str(artifact / "rnn.onnx"), str(artifact / "scan.onnx")),
        ),
    )


def test_shards_hold_each_source_once() -> None:
    held = [item for number in range(1, 17) for item in Shard(number, 16).of(range(1000))]
    assert sorted(held) == [*range(1000)]
