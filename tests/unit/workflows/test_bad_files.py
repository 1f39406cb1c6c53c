"""A file of another source is never a pass: other inputs, other outputs, the same ports and other weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from rnn_export.verifier import Outcome, Report
from rnn_export.workflows.verification import verify

ARTIFACTS = Path(__file__).resolve().parents[3] / "artifacts"
SOURCE = ARTIFACTS / "cell" / "model.keras"
OTHERS = sorted(
    path.parent.name
    for path in ARTIFACTS.glob("*/rnn.onnx")
    if path.read_bytes() != (ARTIFACTS / "cell" / "rnn.onnx").read_bytes()
)


def verified(file: Path) -> Report:
    return verify(SOURCE, file, runtimes=["onnxruntime:cpu"])


def test_its_own_file_passes_and_says_on_what_grounds() -> None:
    report = verified(ARTIFACTS / "cell" / "rnn.onnx")
    assert report.exit_code == 0
    assert report.grounds is not None
    assert report.grounds.coverage == 1.0
    assert report.grounds.unnoticed == ()
    assert 0 < report.grounds.oracle.disagreement < 2.0**-44
    assert report.to_json()["grounds"]["oracle"]["steps"] is None


@pytest.mark.parametrize("scale", [1e-2, 1e-5])
def test_a_file_with_the_same_ports_and_other_weights_fails(tmp_path: Path, scale: float) -> None:
    model = onnx.load(ARTIFACTS / "cell" / "rnn.onnx")
    rng = np.random.default_rng(0)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            moved = values * (1 + scale * rng.standard_normal(values.shape))
            tensor.CopyFrom(numpy_helper.from_array(moved.astype(np.float32), tensor.name))
    onnx.save(model, tmp_path / "other.onnx")
    report = verified(tmp_path / "other.onnx")
    assert report.verdict == Outcome.FAIL
    assert report.exit_code == 1


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_network_is_no_pass_and_says_how(name: str) -> None:
    report = verified(ARTIFACTS / name / "rnn.onnx")
    assert report.exit_code in (1, 3)
    for case in report.cases:
        assert case.outcome in (Outcome.FAIL, Outcome.UNSUPPORTED)
        assert case.verdict.reason
