"""A verification report as a page for people: one row a case, then the reasons of what did not pass."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_export.reports.table import Cell, Column, Line, Page, Table, Tone, row
from rnn_export.verifier.verdicts import AGREEMENTS, CaseResult, Outcome, Report

SOURCE = "(source)"
"""Shown in place of a form where the original source ran."""


def page_of(report: Report) -> Page:
    """Return the report as a table with a headline, and a line for each case that needs words."""
    return (*[headline(report)], table_of(report), *reasons(report))


def headline(report: Report) -> Line:
    """Return the verdict on the whole report in one line."""
    text = f"{report.source}: {report.verdict}"
    if report.exit_code == 0:
        return Line(f"{text}, {agreeing(report.agreed)}", "good")
    if report.missing:
        text += f", required but without a pass: {', '.join(report.missing)}"
    return Line(text, "bad")


def table_of(report: Report) -> Table:
    """Return one row a case; what it compares is the largest error in units of its bound."""
    columns = (
        Column("form"),
        Column("runtime"),
        Column("version", fold=True),
        Column("input", fold=True),
        Column("verdict"),
        Column("error/bound", right=True),
        Column("bits", right=True),
        Column("steps", right=True),
        Column("s", right=True),
    )
    return Table(columns, tuple(_row(case) for case in report.cases))


def reasons(report: Report) -> tuple[Line, ...]:
    """Return why cases are not a plain PASS: a line for each form, runtime and likely bug, not for each input."""
    groups: dict[tuple[object, ...], list[CaseResult]] = {}
    for case in report.cases:
        verdict = case.verdict
        if verdict.reason or verdict.diagnosis is not None:
            layer = verdict.where.layer if verdict.where else ""
            key = (case.form, case.file, case.runtime, case.outcome, layer, verdict.diagnosis)
            groups.setdefault(key, []).append(case)
    return tuple(_reason(cases) for cases in groups.values())


def ratio_of(value: float | None) -> str:
    """Return an error in units of its bound, short.

    >>> [ratio_of(value) for value in (None, 0.4142, 74.2, 212709.0, float("inf"))]
    ['-', '0.41', '74', '212,709', 'inf']
    """
    if value is None:
        return "-"
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}" if value < 1e7 else f"{value:.1e}"


def _reason(cases: Sequence[CaseResult]) -> Line:
    first, verdict = cases[0], cases[0].verdict
    place = f", layer {verdict.where.layer}" if verdict.where and verdict.where.layer else ""
    text = f"{first.form or SOURCE} on {first.runtime}: {first.outcome}{place}: {verdict.reason}"
    if verdict.diagnosis:
        text += f" (looks like: {verdict.diagnosis})"
    if len(cases) > 1:
        text += f"; likewise on {len(cases) - 1} more input{'s' if len(cases) > 2 else ''}"
    return Line(text, tone_of(first))


def tone_of(case: CaseResult) -> Tone:
    """Return what a case's outcome means for the reader."""
    if case.failed:
        return "bad"
    return "good" if case.outcome in AGREEMENTS else "doubtful"


def placement_of(case: CaseResult) -> str:
    """Return where nodes ran, such as "RNN: CPUExecutionProvider"."""
    return ", ".join(f"{op}: {place}" for op, place in case.placement.items())


def inputs_of(case: CaseResult) -> str:
    """Return the input in a few letters, such as "odd 3x7", with its seed where that is not 0."""
    inputs = dict(case.inputs)
    kind, seed = inputs.get("kind", ""), inputs.get("seed", 0)
    sizes = [str(inputs[name]) for name in ("batch", "time") if inputs.get(name) is not None]
    return " ".join(filter(None, (str(kind), "x".join(sizes), f"seed {seed}" if seed else "")))


def _row(case: CaseResult) -> tuple[Cell, ...]:
    verdict = case.verdict
    outcome = (
        "PASS (permitted)"
        if case.permitted and case.outcome not in AGREEMENTS
        else str(case.outcome)
    )
    return row(
        case.form or SOURCE,
        case.runtime,
        Cell(case.version, "quiet"),
        Cell(inputs_of(case), "quiet"),
        Cell(outcome, tone_of(case)),
        ratio_of(verdict.max_ratio),
        "-" if verdict.effective_bits is None else f"{verdict.effective_bits:.1f}",
        "-" if verdict.verified_steps is None else str(verdict.verified_steps),
        Cell("" if case.outcome is Outcome.UNAVAILABLE else f"{case.seconds:.2f}", "quiet"),
    )


def agreeing(names: Sequence[str]) -> str:
    """Return who agrees, as a sentence has it.

    >>> agreeing(["numpy", "keras:jax", "tract"]), agreeing(["numpy"])
    ('numpy, keras:jax and tract agree', 'numpy agrees')
    """
    *first, last = names
    return f"{', '.join(first)} and {last} agree" if first else f"{last} agrees"
