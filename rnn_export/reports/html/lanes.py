"""Lanes: for each runtime and model, the one case whose errors are drawn."""

from __future__ import annotations

from dataclasses import dataclass

from rnn_export.reports.html.drawings import (
    CurveDrawing,
    HistogramDrawing,
    common_axis,
    draw_curve,
    draw_histogram,
)
from rnn_export.reports.html.summary import model_of
from rnn_export.reports.table import Tone
from rnn_export.reports.verdicts import inputs_of, tone_of
from rnn_export.verifier.verdicts import CaseResult, Report

OPEN = 24
"""So many drawings are shown at once; of more, only those of cases that failed are unfolded."""


@dataclass(frozen=True)
class Lane:
    """A runtime on a model: what is drawn of it.

    Args:
        title, inputs: of the case.
        tone: of its verdict.
        curves, histogram: its drawings.
        open: it is unfolded.
    """

    title: str
    inputs: str
    outcome: str
    tone: Tone
    curves: tuple[CurveDrawing, ...]
    histogram: HistogramDrawing | None
    open: bool


def lanes_of(report: Report) -> tuple[Lane, ...]:
    """Return the lanes of a report, failures first and the source last, all on one scale."""
    found: dict[tuple[str, str], list[CaseResult]] = {}
    for case in report.cases:
        if case.profile is not None and (case.profile.curves or case.profile.outside):
            found.setdefault((str(model_of(case)), case.runtime), []).append(case)
    # Files before the source: they are what a report is about.
    chosen = sorted(
        (_telling(cases) for cases in found.values()),
        key=lambda case: (not case.failed, not case.form and not case.file),
    )
    profiles = [case.profile for case in chosen if case.profile is not None]
    up = common_axis(profiles)
    few = sum(len(profile.curves) + 1 for profile in profiles) <= OPEN
    return tuple(
        Lane(
            f"{model_of(case)} on {case.runtime}",
            inputs_of(case),
            str(case.outcome),
            tone_of(case),
            tuple(draw_curve(curve, up) for curve in profile.curves),
            draw_histogram(profile),
            few or case.failed or at == 0,
        )
        for at, (case, profile) in enumerate(zip(chosen, profiles, strict=True))
    )


def _telling(cases: list[CaseResult]) -> CaseResult:
    """Return the longest case that failed, else the longest."""
    return max(cases, key=lambda case: (case.failed, _steps(case)))


def _steps(case: CaseResult) -> int:
    time = case.inputs.get("time")
    return time if isinstance(time, int) else 0
