"""``verify`` ends 0 on the exported file, 1 on a changed weight, 3 without a required runtime."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tests.unit.cli.programs import one_line, program

ARTIFACTS = Path(__file__).resolve().parents[3] / "artifacts"
KERAS = ARTIFACTS / "last-output" / "model.keras"
ONNX = ARTIFACTS / "last-output" / "rnn.onnx"
RUNTIMES = ("--runtime", "numpy", "--runtime", "onnxruntime:cpu")


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The exported file with 1e-4 added to one weight."""
    model = onnx.load(ONNX)
    weight = next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 3)
    values = numpy_helper.to_array(weight).copy()
    values[0, 1, 2] += np.float32(1e-4)
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    onnx.save(model, tmp_path / "changed.onnx")
    return tmp_path / "changed.onnx"


def test_the_exported_file_passes_and_the_first_line_says_who_agrees() -> None:
    done = program("verify", KERAS, ONNX, *RUNTIMES)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[0] == f"{KERAS}: PASS, numpy and onnxruntime:cpu agree"


def test_a_changed_weight_is_exit_code_1_in_every_report(changed: Path, tmp_path: Path) -> None:
    files = ("--json", tmp_path / "r.json", "--junit", tmp_path / "r.xml")
    done = program("verify", KERAS, changed, *RUNTIMES, *files)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == f"{KERAS}: FAIL"
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["schema"] == 1
    assert report["verdict"] == "FAIL"
    failed = [case for case in report["cases"] if case["verdict"] != "PASS"]
    assert {case["runtime"] for case in failed} == {"onnxruntime:cpu"}
    told = [case for case in failed if case["verdict"] == "FAIL"]
    assert told
    assert all(case["where"]["layer"].startswith("simple_rnn") for case in told)
    suites = ElementTree.parse(tmp_path / "r.xml").getroot()
    assert sum(int(suite.get("failures", "0")) for suite in suites) == len(failed)


def test_a_required_runtime_that_is_not_here_is_exit_code_3() -> None:
    done = program("verify", KERAS, ONNX, *RUNTIMES, "--require", "onnxruntime:cuda")
    if "onnxruntime:cuda" not in done.stdout.splitlines()[0]:
        pytest.fail("this test is for machines without CUDA; give it a runtime that is missing")
    assert done.returncode == 3
    assert "required but without a pass: onnxruntime:cuda" in done.stdout.splitlines()[0]


def test_json_on_stdout_stands_alone() -> None:
    done = program("verify", KERAS, "--runtime", "numpy", "--json", "-")
    report = json.loads(done.stdout)
    assert report["agreed"] == ["numpy"]
    for key in (
        "form",
        "runtime",
        "version",
        "placement",
        "verdict",
        "model",
        "max_ratio",
        "inputs",
    ):
        assert key in report["cases"][0]


def test_a_file_that_is_no_model_is_exit_code_4(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"no model")
    for file in (tmp_path / "m.onnx", tmp_path / "missing.onnx"):
        done = program("verify", KERAS, file, *RUNTIMES)
        assert done.returncode == 4
        assert str(file) in one_line(done)


@pytest.mark.parametrize(
    "word", [("--runtime", "abacus"), ("--require", "abacus"), ("--form", "round")]
)
def test_an_unknown_runtime_or_form_is_usage(word: tuple[str, str]) -> None:
    done = program("verify", KERAS, *word)
    assert done.returncode == 2
    assert word[1] in done.stderr
