"""Why a report is no pass, in a few lines: what a test prints when it fails."""

from __future__ import annotations

from rnn_export.reports.html.reproducing import command_of
from rnn_export.reports.telling import about, advice, bugs, place_of, speaker
from rnn_export.reports.verdicts import SOURCE, inputs_of
from rnn_export.verifier.verdicts import AGREEMENTS, CaseResult, Report

MOST = 6
"""Models on runtimes that are told in full; more of them rarely say more."""


def unproven(report: Report) -> tuple[str, ...]:
    """Return the files and forms that no runtime ran and agreed on; all of them named, or it proves nothing.

    The source itself agreeing with the source says nothing of a file.
    """
    names = dict.fromkeys(case.file or case.form for case in report.cases if case.file or case.form)
    return tuple(
        name
        for name in names
        if not any(
            case.outcome in AGREEMENTS or case.permitted
            for case in report.cases
            if (case.file or case.form) == name
        )
    )


def failure_of(report: Report) -> str:
    """Return what is wrong, with layer, step and likely bug of each case; "" for a pass that proves something.

    Args:
        report: of `verify`.
    """
    bad = [case for case in report.cases if case.failed]
    missing = [case for case in report.cases if case.runtime in report.missing and case not in bad]
    bad += [case for case in missing if case.outcome not in AGREEMENTS]
    without = unproven(report)
    ran = any(case.file or case.form for case in report.cases)
    if not bad and not without and ran and not report.exit_code:
        return ""
    told = _grouped(bad)
    lines = [f"{report.source}: {_first(report, told)}"]
    for cases in told[:MOST]:
        lines += _told(cases, report)
    if len(told) > MOST:
        lines.append(f"  and {len(told) - MOST} more")
    for name in without:
        if not any((case.file or case.form) == name for case in bad):
            lines.append(f"  {name}: no runtime ran it and agreed{_excuses(report, name)}")
    if not ran:
        lines.append(f"  no runtime ran anything but the source{_excuses(report, '')}")
    lines.append(f"again: {command_of(report)}")
    return "\n".join(lines)


def _grouped(cases: list[CaseResult]) -> list[list[CaseResult]]:
    """Return the cases of one model on one runtime together, the first one speaking for them."""
    groups: dict[tuple[str, str, str], list[CaseResult]] = {}
    for case in cases:
        groups.setdefault((case.form, case.file, case.runtime), []).append(case)
    return list(groups.values())


def _first(report: Report, told: list[list[CaseResult]]) -> str:
    """Return the line that a summary shows alone: the verdict, where, and the likely bug."""
    if not told:
        return str(report.verdict) if report.exit_code else "UNVERIFIABLE: nothing was proven"
    case = speaker(told[0])
    where = case.verdict.where
    parts = [str(case.outcome), f"on {case.runtime}"]
    if where is not None and where.layer:
        parts.append(f"in layer {where.layer}")
    if where is not None and where.step is not None:
        parts.append(f"at step {where.step}")
    said = case.verdict.diagnosis or case.verdict.reason
    return f"{' '.join(parts)}: {said}" if said else " ".join(parts)


def _told(cases: list[CaseResult], report: Report) -> list[str]:
    case = speaker(cases)
    verdict = case.verdict
    name = " ".join(filter(None, (case.form or SOURCE, case.file)))
    lines = [f"  {case.outcome}: {name} on {case.runtime}, {_inputs(cases)}"]
    parts = [place_of(case)] if place_of(case) else []
    if verdict.where is not None:
        if verdict.max_ratio is not None:
            parts.append(f"{verdict.max_ratio:.3g} times the bound ({verdict.model})")
        lines.append(f"    {', '.join(parts)}")
    lines += [f"    looks like: {bug}" for bug in bugs(cases)]
    lines += [f"    {text}" for text in about(cases) if text]
    next_step = advice(cases, report)
    return [*lines, f"    next: {next_step}"] if next_step else lines


def _inputs(cases: list[CaseResult]) -> str:
    first = inputs_of(cases[0])
    more = f" and {len(cases) - 1} others" if len(cases) > 1 else ""
    return f"input {first}{more}" if first else "no input"


def _excuses(report: Report, name: str) -> str:
    """Return what the runtimes say that might have run a file."""
    said = dict.fromkeys(
        f"{case.runtime}: {case.outcome}: {case.verdict.reason}"
        for case in report.cases
        if case.outcome not in AGREEMENTS and (case.file or case.form) in (name, "")
    )
    return "".join(f"\n    {text}" for text in said)
