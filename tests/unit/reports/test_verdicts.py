"""The page of a report says the verdict first, one row a case, and the reason of whatever is not a pass."""

from __future__ import annotations

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
    assert lines[-1] == (
        "scan on openvino:cpu: FAIL, layer encoder/rnn: states lie outside their bound"
        " (looks like: transposed R)"
    )


def test_a_required_runtime_that_is_missing_is_named_first() -> None:
    lines = text(PASSED, ABSENT, required=("tract",))
    assert lines[0] == "m.keras: UNAVAILABLE, required but without a pass: tract"
    assert lines[-1] == "rnn on tract: UNAVAILABLE: not installed"


def test_one_line_tells_of_all_inputs_that_show_the_same() -> None:
    lines = text(PASSED, FAILED, FAILED, FAILED)
    assert len(lines) == 2 + 4 + 1
    assert lines[-1].endswith("(looks like: transposed R); likewise on 2 more inputs")
