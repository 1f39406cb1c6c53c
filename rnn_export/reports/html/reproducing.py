"""The command that does again what a report tells of."""

from __future__ import annotations

import math
import shlex
from pathlib import PurePath

from rnn_export import presets
from rnn_export.verifier.verdicts import Report

FILES = (".keras", ".h5", ".hdf5", ".toml")
IN_MEMORY = "model.keras"


def command_of(report: Report) -> str:
    """Return the exact ``verify`` of a report, quoted for a shell.

    Files that the user named are named again; forms that were exported for the occasion are exported again. A model
    that was in memory has to be saved before, and the command says so.
    """
    named = _named(report.source)
    words = ["python", "-m", "rnn_export", "verify", report.source if named else IN_MEMORY]
    files = dict.fromkeys(case.file for case in report.cases if case.file)
    words += files
    for form in dict.fromkeys(case.form for case in report.cases if case.form and not case.file):
        words += ["--form", form]
    for runtime in dict.fromkeys(case.runtime for case in report.cases):
        words += ["--require" if runtime in report.required else "--runtime", runtime]
    seeds = {case.inputs["seed"] for case in report.cases if "seed" in case.inputs}
    if len(seeds) == 1:
        words += ["--seed", str(seeds.pop())]
    permitted = [case.verdict.effective_bits or 0.0 for case in report.cases if case.permitted]
    if permitted:
        words += ["--allow-precision", f"{math.floor(10 * min(permitted)) / 10:g}"]
    command = shlex.join(words)
    return command if named else f"{command}  # {IN_MEMORY}: the model in memory, saved"


def _named(source: str) -> bool:
    """Tell whether a command line can name this source: a file, a folder, a preset."""
    whole = PurePath(source)
    return (
        whole.suffix in FILES
        or ".toml:" in source
        or len(whole.parts) > 1
        or source in presets.names()
    )
