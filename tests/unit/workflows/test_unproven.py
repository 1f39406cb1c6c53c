"""A named file that nothing ran is not passed because its source agrees with itself."""

from __future__ import annotations

from pathlib import Path

import rnn_export
from rnn_export import presets
from rnn_export.verifier import CaseResult, Outcome, Report, Verdict


def case(runtime: str, outcome: Outcome, file: str = "") -> CaseResult:
    return CaseResult("rnn" if file else "", runtime, Verdict(outcome, ""), file=file)


def test_a_file_that_no_runtime_ran_is_not_passed(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    rnn_export.export(presets.network("last-output")).save(file)
    report = rnn_export.verify(presets.network("last-output"), file, runtimes=["numpy"])
    assert report.unproven == (str(file),)
    assert (report.verdict, report.exit_code) == (Outcome.UNVERIFIABLE, 3)


def test_a_file_that_one_runtime_passed_is_proven(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    rnn_export.export(presets.network("last-output")).save(file)
    runtimes = ["numpy", "onnxruntime:cpu"]
    report = rnn_export.verify(presets.network("last-output"), file, runtimes=runtimes)
    assert (report.verdict, report.exit_code, report.unproven) == (Outcome.PASS, 0, ())


def test_a_required_runtime_with_one_refused_form_is_no_pass() -> None:
    cases = (
        case("onnxruntime:cpu", Outcome.PASS, "a.onnx"),
        case("onnxruntime:cpu", Outcome.UNSUPPORTED, "b.onnx"),
    )
    report = Report("model.keras", cases, required=("onnxruntime:cpu",))
    assert (report.verdict, report.exit_code) == (Outcome.UNSUPPORTED, 3)


def test_a_file_of_a_single_step_is_told_why_nothing_passed(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    rnn_export.export(presets.network("last-output"), time=1).save(file)
    report = rnn_export.verify(presets.network("last-output"), file, runtimes=["onnxruntime:cpu"])
    (only,) = report.cases
    assert (only.outcome, report.exit_code) == (Outcome.UNVERIFIABLE, 3)
    assert "do not exercise the recurrent kernel" in only.verdict.reason
