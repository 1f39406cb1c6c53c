"""JUnit XML says the same as the exit code, whatever a runtime's own words hold."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from rnn_export.reports.junit import junit
from rnn_export.verifier.comparing import Where
from rnn_export.verifier.verdicts import CaseResult, Outcome, Report, Verdict


def case(outcome: Outcome, reason: str = "", runtime: str = "onnxruntime:cpu") -> CaseResult:
    return CaseResult(
        "rnn",
        runtime,
        Verdict(outcome, reason, where=Where("rnn", 17, 3, 1)),
        version="1.31.1",
        placement={"RNN": "CPUExecutionProvider"},
        inputs={"batch": 3, "time": 7, "seed": 5, "kind": "odd"},
        seconds=0.25,
    )


def suite(report: Report) -> ElementTree.Element:
    (found,) = ElementTree.fromstring(junit([report]))
    return found


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.PASS, None),
        (Outcome.KNOWN_DIFFERENCE, None),
        (Outcome.FAIL, "failure"),
        (Outcome.PRECISION_DOWNGRADED, "failure"),
        (Outcome.CRASHED, "error"),
        (Outcome.UNSUPPORTED, "skipped"),
        (Outcome.UNAVAILABLE, "skipped"),
        (Outcome.UNVERIFIABLE, "skipped"),
    ],
)
def test_each_outcome_has_its_element(outcome: Outcome, kind: str | None) -> None:
    passed = case(Outcome.PASS, runtime="numpy")
    found = suite(Report("m.keras", (passed, case(outcome, "why"))))
    element = found[1]
    kinds = [child.tag for child in element if child.tag != "properties"]
    assert kinds == ([kind] if kind else [])


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("required", [(), ("onnxruntime:cpu",), ("keras:tensorflow",)])
def test_a_failure_or_error_stands_in_it_exactly_when_the_exit_code_is_not_0(
    outcome: Outcome, required: tuple[str, ...]
) -> None:
    report = Report("m.keras", (case(outcome, "why"),), required)
    found = suite(report)
    counted = int(found.get("failures", "")) + int(found.get("errors", ""))
    assert bool(counted) == bool(report.exit_code)


def test_the_message_names_layer_step_and_reason() -> None:
    element = suite(Report("m.keras", (case(Outcome.FAIL, "states lie outside"),)))[0]
    failure = element.find("failure")
    assert failure is not None
    assert failure.get("message") == "FAIL: states lie outside"
    assert "layer='rnn', step=17, unit=3, row=1" in (failure.text or "")
    assert element.get("name") == "rnn on onnxruntime:cpu odd 3x7 seed 5"


def test_an_empty_report_is_a_failure() -> None:
    assert suite(Report("m.keras", ())).get("failures") == "1"


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    found = suite(Report("m.keras", (case(Outcome.FAIL, "boom \x00\x1b[31m <&> \ud800"),)))
    failure = found[0].find("failure")
    assert failure is not None
    assert failure.get("message") == "FAIL: boom \ufffd\ufffd[31m <&> \ufffd"
