"""What ``verify`` says of many sources: a row for each, and the reasons of those that did not pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnn_export.reports.table import Cell, Column, Line, Page, Table, row
from rnn_export.reports.verdicts import ratio_of, reasons
from rnn_export.verifier import CaseResult, Outcome, Report, Verdict
from rnn_export.workflows.verifying_each import Verified, exit_code

if TYPE_CHECKING:
    from rnn_export.reports.table import Tone


def page_of(verified: Sequence[Verified]) -> Page:
    """Return the share that passed in the first line, one row a source, and why others did not."""
    passed = sum(one.exit_code == 0 for one in verified)
    tone: Tone = "good" if passed == len(verified) else "bad"
    columns = (
        Column("source", fold=True),
        Column("verdict"),
        Column("error/bound", right=True),
        Column("cases", right=True),
    )
    table = Table(columns, tuple(_row(one) for one in verified))
    why = [
        Line(f"{one.source}: {line.text}", line.tone)
        for one in verified
        if one.report is not None
        for line in reasons(one.report)
    ]
    return (Line(f"{passed} of {len(verified)} sources pass", tone), table, *why)


def document_of(verified: Sequence[Verified]) -> dict[str, object]:
    """Return what is written as JSON: the reports as for a single source, in order."""
    return {
        "schema": 1,
        "exit_code": exit_code(verified),
        "sources": [
            {
                "source": one.source,
                "error": None if one.error is None else str(one.error),
                "report": None if one.report is None else one.report.to_json(),
            }
            for one in verified
        ],
    }


def reports_of(verified: Sequence[Verified]) -> list[Report]:
    """Return a report for each; a source that could not be judged is a crash, which no reader of JUnit overlooks."""
    found = []
    for one in verified:
        case = CaseResult("", "reading", Verdict(Outcome.CRASHED, str(one.error)))
        found.append(one.report or Report(one.source, (case,)))
    return found


def _row(one: Verified) -> tuple[Cell, ...]:
    if one.report is None:
        return row(one.source, Cell("ERROR", "bad"), "-", "-")
    cases = one.report.cases
    ratios = [case.verdict.max_ratio for case in cases if case.verdict.max_ratio is not None]
    tone: Tone = "bad" if one.exit_code else "good"
    verdict = Cell(str(one.report.verdict), tone)
    return row(one.source, verdict, ratio_of(max(ratios, default=None)), str(len(cases)))
