"""JUnit XML, which every CI system shows: one test case for each case of a report.

Source: the schema that Jenkins and GitLab read, https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from rnn_export.reports.verdicts import SOURCE, inputs_of, placement_of
from rnn_export.verifier.verdicts import AGREEMENTS, CaseResult, Outcome, Report

# What XML 1.0 cannot hold, not even escaped: a runtime's own words may have it.
UNHOLDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(reports: Sequence[Report]) -> bytes:
    """Return reports as JUnit XML.

    A failed case is a failure and a crash an error. One that could not be compared is skipped, unless its
    runtime is required: then it is a failure, so that what counts here counts as in the exit code.
    """
    root = ElementTree.Element("testsuites", name="rnn_export")
    for report in reports:
        suite = ElementTree.SubElement(root, "testsuite", name=_text(report.source))
        for case in report.cases:
            _case(suite, report, case)
        ran = {case.runtime for case in report.cases}
        for runtime in report.required:
            if runtime not in ran:
                element = _element(suite, report, f"{runtime} (required)")
                ElementTree.SubElement(element, "failure", message="required, and never ran")
        if not report.cases or (report.exit_code == 3 and not report.missing):
            element = _element(suite, report, "anything comparable")
            ElementTree.SubElement(element, "failure", message="nothing was comparable")
        _count(suite)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _case(suite: ElementTree.Element, report: Report, case: CaseResult) -> None:
    name = " ".join(filter(None, (case.form or SOURCE, "on", case.runtime, inputs_of(case))))
    element = _element(suite, report, name, case.seconds)
    notes = {"version": case.version, "placement": placement_of(case)}
    properties = ElementTree.SubElement(element, "properties")
    for key, value in notes.items():
        if value:
            ElementTree.SubElement(properties, "property", name=key, value=_text(value))
    if case.outcome in AGREEMENTS or case.permitted:
        return
    if case.outcome is Outcome.CRASHED:
        kind = "error"
    else:
        kind = "failure" if case.failed or case.runtime in report.missing else "skipped"
    message = _text(f"{case.outcome}: {case.verdict.reason}".strip(": "))
    found = ElementTree.SubElement(element, kind, message=message)
    if kind != "skipped":
        found.set("type", str(case.outcome))
        found.text = _text(_details(case))


def _details(case: CaseResult) -> str:
    verdict = case.verdict
    lines = [verdict.reason]
    if verdict.where is not None:
        lines.append(f"where: {verdict.where}")
    if verdict.max_ratio is not None:
        lines.append(f"largest error: {verdict.max_ratio:.3g} of its bound ({verdict.model})")
    if verdict.diagnosis:
        lines.append(f"looks like: {verdict.diagnosis}")
    return "\n".join(lines)


def _element(
    suite: ElementTree.Element, report: Report, name: str, seconds: float = 0.0
) -> ElementTree.Element:
    attributes = {"classname": _text(report.source), "name": _text(name), "time": f"{seconds:.3f}"}
    return ElementTree.SubElement(suite, "testcase", attributes)


def _count(suite: ElementTree.Element) -> None:
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    for kind, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(plural, str(sum(case.find(kind) is not None for case in cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")


def _text(text: str) -> str:
    return UNHOLDABLE.sub("\N{REPLACEMENT CHARACTER}", text)
