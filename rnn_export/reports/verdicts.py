"""A verification report as a page for people: one row a case, then the reasons of what did not pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnn_export.reports.table import Cell, Column, Line, Page, Table, Tone, row
from rnn_export.reports.telling import (
    about,
    advice,
    bugs,
    groups,
    inputs_like,
    place_of,
    speaker,
)
from rnn_export.verifier.verdicts import AGREEMENTS, CaseResult, Outcome, Report

SOURCE = "(source)"
"""Shown in place of a form where the original source ran."""


def page_of(report: Report) -> Page:
    """Return the report as a table with a headline, and a line for each case that needs words."""
    return (headline(report), table_of(report), *reasons(report), *grounds_of(report))


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
    """Return why cases are not a plain PASS: a few lines for each file on a runtime, not for each input."""
    return tuple(line for cases in groups(report) for line in _reason(cases, report))


def grounds_of(report: Report) -> tuple[Line, ...]:
    """Return what the inputs show and what the reference is worth; nothing where nothing was run."""
    grounds = report.grounds
    if grounds is None:
        return ()
    oracle = grounds.oracle
    until = "" if oracle.steps is None else f" for {oracle.steps} steps, and then parts from itself"
    text = (
        f"the inputs exercise {100 * grounds.coverage:.0f} % of the weights; the float64 reference agrees with"
        f" itself, summed in another order, to {oracle.disagreement:.1e}{until}"
    )
    lost = f"no input shows: {', '.join(grounds.unnoticed)} (without it, every output would be the same)"
    return (Line(text, "quiet"), *([Line(lost, "doubtful")] if grounds.unnoticed else []))


def ratio_of(value: float | None) -> str:
    """Return an error in units of its bound, short.

    >>> [ratio_of(value) for value in (None, 0.4142, 74.2, 212709.0, float("inf"))]
    ['-', '0.41', '74', '212,709', 'inf']
    """
    if value is None:
        return "-"
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}" if value < 1e7 else f"{value:.1e}"


def _reason(cases: Sequence[CaseResult], report: Report) -> Iterator[Line]:
    first = speaker(cases)
    tone = tone_of(first)
    title = f"{first.form or SOURCE} on {first.runtime}: {first.outcome}"
    if not first.failed:
        yield Line(f"{title}: {first.verdict.reason}", tone)
        return
    likely = bugs(cases)
    where = place_of(first)
    yield Line(", ".join(filter(None, (title, inputs_like(cases, report), where))), tone)
    for name in likely:
        yield Line(f"    looks like: {name}", tone)
    for text in about(cases):
        yield Line(f"    {text}")
    next_step = advice(cases, report)
    if next_step:
        yield Line(f"    next: {next_step}")


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
