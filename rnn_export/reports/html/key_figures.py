"""The head of the page: the verdict in one sentence, and the few figures that it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from rnn_export.reports.html.axes import times
from rnn_export.reports.verdicts import agreeing
from rnn_export.verifier.verdicts import CaseResult, Report


@dataclass(frozen=True)
class Figure:
    """A number, what it is called, and what it means."""

    name: str
    value: str
    note: str


def sentence_of(report: Report) -> str:
    """Return who agrees, or what stands against it."""
    if report.exit_code == 0:
        return f"{agreeing(report.agreed)}."
    parts = []
    failed = [case for case in report.cases if case.failed]
    if failed:
        verb = "does" if len(failed) == 1 else "do"
        parts.append(f"{len(failed)} of {len(report.cases)} cases {verb} not pass.")
    if report.missing:
        parts.append(f"Required, but without a pass: {', '.join(report.missing)}.")
    if not parts:
        parts.append("Nothing was comparable.")
    if report.agreed:
        parts.append(f"{agreeing(report.agreed)}.")
    return " ".join(parts)


def figures_of(report: Report) -> tuple[Figure, ...]:
    """Return the figures of the cases that compared anything."""
    compared = [case for case in report.cases if case.verdict.max_ratio is not None]
    if not compared:
        return ()
    worst = max(compared, key=_ratio)
    made = [
        Figure("largest error", times(_ratio(worst)), "of its bound; up to 1 agrees"),
        Figure("cases compared", str(len(compared)), f"of {len(report.cases)}"),
    ]
    bits = [case for case in compared if case.verdict.effective_bits is not None]
    if bits:
        least = min(bits, key=lambda case: case.verdict.effective_bits or 0.0)
        made.append(
            Figure(
                "effective bits", f"{least.verdict.effective_bits:.1f}", f"least: {least.runtime}"
            )
        )
    steps = max((case.verdict.verified_steps or 0 for case in compared), default=0)
    if steps:
        made.append(Figure("verified steps", str(steps), "in the longest input"))
    exercised = max((case.verdict.coverage or 0.0 for case in compared), default=0.0)
    if exercised:
        made.append(
            Figure("weights exercised", f"{100 * exercised:.0f} %", "by the most telling input")
        )
    return tuple(made)


def _ratio(case: CaseResult) -> float:
    return case.verdict.max_ratio or 0.0
