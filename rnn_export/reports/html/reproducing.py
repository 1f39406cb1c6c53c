"""The command that does again what a report tells of."""

from __future__ import annotations

import shlex

from rnn_export.verifier.verdicts import Report


def command_of(report: Report) -> str:
    """Return the exact ``verify`` of a report, quoted for a shell.

    Files that the user named are named again; forms that were exported for the occasion are exported again.
    """
    words = ["python", "-m", "rnn_export", "verify", report.source]
    files = dict.fromkeys(case.file for case in report.cases if case.file)
    words += files
    for form in dict.fromkeys(case.form for case in report.cases if case.form and not case.file):
        words += ["--form", form]
    for runtime in dict.fromkeys(case.runtime for case in report.cases):
        words += ["--require" if runtime in report.required else "--runtime", runtime]
    seeds = {case.inputs["seed"] for case in report.cases if "seed" in case.inputs}
    if len(seeds) == 1:
        words += ["--seed", str(seeds.pop())]
    return shlex.join(words)
