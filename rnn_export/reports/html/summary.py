"""What the report says in tables: who agrees, case by case, and how far the arithmetic reaches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from rnn_export.reports import telling
from rnn_export.reports.html.axes import times
from rnn_export.reports.table import Tone
from rnn_export.reports.verdicts import SOURCE, inputs_of, tone_of
from rnn_export.verifier.verdicts import AGREEMENTS, CaseResult, Outcome, Report

WORST_FIRST = (
    Outcome.FAIL,
    Outcome.CRASHED,
    Outcome.PRECISION_DOWNGRADED,
    Outcome.UNVERIFIABLE,
    Outcome.UNSUPPORTED,
    Outcome.UNAVAILABLE,
    Outcome.KNOWN_DIFFERENCE,
    Outcome.PASS,
)

BITS = ((8, "bfloat16"), (11, "float16, tf32"), (24, "float32"))
"""Significant bits of the arithmetics that runtimes fall back to."""

LAST_BIT = 28


@dataclass(frozen=True)
class Model:
    """What ran: a form, and the file where the user named one; the source itself has neither."""

    form: str
    file: str

    @property
    def name(self) -> str:
        return self.form or SOURCE

    def __str__(self) -> str:
        # Artifacts name their files by form; nobody needs that twice.
        if self.file and PurePath(self.file).stem == self.form:
            return self.file
        return f"{self.name} {self.file}".rstrip()


def model_of(case: CaseResult) -> Model:
    """Return what a case ran."""
    return Model(case.form, case.file)


@dataclass(frozen=True)
class MatrixCell:
    """The worst verdict of a runtime on a model, over all inputs; no outcome where it did not run."""

    outcome: str = ""
    tone: Tone = ""
    ratio: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class MatrixRow:
    """A runtime; ``alone`` where it ran nothing at all, and that is all there is to say."""

    runtime: str
    version: str
    cells: tuple[MatrixCell, ...]
    alone: MatrixCell | None


@dataclass(frozen=True)
class Matrix:
    """Runtimes down, models across."""

    models: tuple[Model, ...]
    rows: tuple[MatrixRow, ...]


def matrix_of(report: Report) -> Matrix:
    """Return the verdict table of a report."""
    found = dict.fromkeys(model_of(case) for case in report.cases if case.inputs or case.form)
    # The source last: what the reader came for stands beside the runtimes, on a phone too.
    models = tuple(sorted(found, key=lambda model: not model.form and not model.file))
    rows = []
    for runtime in dict.fromkeys(case.runtime for case in report.cases):
        own = [case for case in report.cases if case.runtime == runtime]
        nowhere = all(not case.form and not case.inputs for case in own) and not any(
            case.outcome in AGREEMENTS for case in own
        )
        rows.append(
            MatrixRow(
                runtime,
                next((case.version for case in own if case.version), ""),
                tuple(_cell([case for case in own if model_of(case) == model]) for model in models),
                _cell(own) if nowhere else None,
            )
        )
    return Matrix(models, tuple(rows))


def _cell(cases: list[CaseResult]) -> MatrixCell:
    if not cases:
        return MatrixCell()
    worst = min(cases, key=lambda case: WORST_FIRST.index(case.outcome))
    ratios = [case.verdict.max_ratio for case in cases if case.verdict.max_ratio is not None]
    return MatrixCell(
        "permitted" if worst.permitted else str(worst.outcome),
        tone_of(worst),
        max(ratios, default=None),
        worst.verdict.reason,
    )


@dataclass(frozen=True)
class CaseRow:
    """One case, as the table of all cases shows it."""

    model: Model
    case: CaseResult
    inputs: str
    tone: Tone


def rows_of(report: Report) -> tuple[CaseRow, ...]:
    """Return every case that ran."""
    return tuple(
        CaseRow(model_of(case), case, inputs_of(case), tone_of(case)) for case in report.cases
    )


@dataclass(frozen=True)
class Finding:
    """Why a file on a runtime is no plain PASS: the words of the console, one part each.

    Args:
        title, outcome, tone: what ran, and how it ended.
        inputs: on how many of them.
        place: of the first wrong element; with the largest error in units of its bound behind it.
        bugs: that it looks like.
        said: the reasons.
        next: what to do; "" where nobody knows better.
    """

    title: str
    outcome: str
    tone: Tone
    inputs: str
    place: str
    bugs: tuple[str, ...]
    said: tuple[str, ...]
    next: str


def findings_of(report: Report) -> tuple[Finding, ...]:
    """Return why cases are not a plain PASS, failures first."""
    found = sorted(telling.groups(report), key=lambda group: WORST_FIRST.index(group[0].outcome))
    return tuple(_finding(group, report) for group in found)


def _finding(group: telling.Group, report: Report) -> Finding:
    case = telling.speaker(group)
    alone = case.outcome is Outcome.UNAVAILABLE and not case.form
    place = telling.place_of(case)
    if place and case.verdict.max_ratio is not None:
        place += f": {times(case.verdict.max_ratio)} times the bound ({case.verdict.model})"
    return Finding(
        case.runtime if alone else f"{model_of(case)} on {case.runtime}",
        str(case.outcome),
        tone_of(case),
        telling.inputs_like(group, report),
        place,
        telling.bugs(group),
        tuple(text for text in telling.about(group) if text),
        telling.advice(group, report),
    )


@dataclass(frozen=True)
class BitsRow:
    """The effective bits of a runtime on a model: the least of its inputs, as a part of the scale."""

    title: str
    bits: float
    part: float
    tone: Tone


def bits_of(report: Report) -> tuple[BitsRow, ...]:
    """Return effective bits, for each runtime and model that has any."""
    found: dict[str, list[CaseResult]] = {}
    for case in report.cases:
        if case.verdict.effective_bits is not None:
            found.setdefault(f"{case.runtime}, {model_of(case)}", []).append(case)
    rows = []
    for title, cases in found.items():
        bits = min(case.verdict.effective_bits or 0.0 for case in cases)
        tone: Tone = "bad" if any(case.failed for case in cases) else "good"
        rows.append(BitsRow(title, bits, min(max(bits / LAST_BIT, 0.0), 1.0), tone))
    return tuple(rows)
