"""The page of a report says the verdict first, one row a case, and the reason of whatever is not a pass."""

from __future__ import annotations

from dataclasses import replace

from rnn_export.reports.console import plain
from rnn_export.reports.verdicts import page_of
from rnn_export.verifier.comparing import Where
from rnn_export.verifier.verdicts import CaseResult, Outcome, Report, Verdict

PASSED = CaseResult(
    "rnn",
    "onnxruntime:cpu",
    Verdict(
        Outcome.PASS, model="probabilistic", max_ratio=0.414, effective_bits=23.61, verified_steps=7
    ),
    version="1.31.1",
    inputs={"batch": 3, "time": 7, "seed": 5, "kind": "odd"},
    seconds=0.011,
)
FAILED = CaseResult(
    "scan",
    "openvino:cpu",
    Verdict(
        Outcome.FAIL,
        "states lie outside their bound",
        max_ratio=1234.5,
        where=Where("encoder/rnn", 17, 3, 1),
        diagnosis="transposed R",
    ),
)
ABSENT = CaseResult("rnn", "tract", Verdict(Outcome.UNAVAILABLE, "not installed"))


def text(*cases: CaseResult, required: tuple[str, ...] = ()) -> list[str]:
    return plain(page_of(Report("m.keras", cases, required))).splitlines()


def test_a_pass_names_who_agreed() -> None:
    first, columns, line = text(PASSED, required=("onnxruntime:cpu",))
    assert first == "m.keras: PASS, onnxruntime:cpu agrees"
    assert columns.split()[:2] == ["form", "runtime"]
    assert (
        " ".join(line.split()) == "rnn onnxruntime:cpu 1.31.1 odd 3x7 seed 5 PASS 0.41 23.6 7 0.01"
    )


def test_a_failure_is_told_with_layer_reason_and_likely_bug() -> None:
    lines = text(PASSED, FAILED)
    assert lines[0] == "m.keras: FAIL"
    assert lines[-4:] == [
        "scan on openvino:cpu: FAIL, layer encoder/rnn, step 17, unit 3, row 1",
        "    looks like: transposed R",
        "    states lie outside their bound",
        "    next: --html FILE draws the errors along time; --evidence DIR keeps all that was shown",
    ]


def test_a_required_runtime_that_is_missing_is_named_first() -> None:
    lines = text(PASSED, ABSENT, required=("tract",))
    assert lines[0] == "m.keras: UNAVAILABLE, required but without a pass: tract"
    assert lines[-1] == "rnn on tract: UNAVAILABLE: not installed"


def test_all_inputs_of_a_file_are_told_of_once() -> None:
    lines = text(PASSED, FAILED, FAILED, FAILED)
    assert len(lines) == 2 + 4 + 4
    assert lines[-4].startswith("scan on openvino:cpu: FAIL, on 3 of 3 inputs, layer encoder/rnn")


def test_the_input_that_tells_the_bug_apart_speaks_for_the_others() -> None:
    verdict = FAILED.verdict
    unsure = replace(FAILED, verdict=replace(verdict, diagnosis="transposed R or bias dropped"))
    unknown = replace(FAILED, verdict=replace(verdict, diagnosis=None))
    lines = text(unknown, unsure, FAILED)
    assert [line for line in lines if "looks like" in line] == ["    looks like: transposed R"]


def test_a_file_that_passes_elsewhere_is_not_blamed() -> None:
    lines = text(replace(PASSED, form="scan"), FAILED)
    assert lines[-1] == (
        "    next: the same file passes on onnxruntime:cpu: look for the fault in openvino:cpu"
    )
