"""``doctor``: what is installed, what is missing and the command that gets it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_export.cli.options import Command, json_option

if TYPE_CHECKING:
    from rnn_export.reports.table import Page
    from rnn_export.workflows.doctor import Diagnosis


@click.command("doctor", cls=Command)
@click.option(
    "--install",
    "wanted",
    type=click.Choice(["onnxruntime-node", "onnxruntime-web:wasm"]),
    multiple=True,
    help="First install the npm package of this runtime, in its pinned version, into the cache folder; may be "
    "repeated.",
)
@json_option
def command(wanted: tuple[str, ...], json_file: Path | None) -> None:
    """Show what is installed, what is missing, and how to get it.

    Every runtime is imported in a process of its own, so that one that is broken cannot hide the others.
    What is missing is no error; what cannot work together is (exit code 4).
    """
    from rnn_export.cli.output import emit
    from rnn_export.cli.progress import Progress
    from rnn_export.workflows.doctor import examine
    from rnn_export.workflows.npm import PACKAGES, install

    with Progress("installing") as progress:
        for number, name in enumerate(wanted):
            progress.step(PACKAGES[name], number, len(wanted))
            install(PACKAGES[name])
    with Progress("asking the runtimes") as progress:
        found = examine(progress.step)
    result = {
        "program": found.program,
        "python": found.python,
        "system": found.system,
        "packages": found.packages,
        "runtimes": found.runtimes,
        "problems": [str(problem) for problem in found.problems],
    }
    emit(page_of(found), result, json_file)
    for problem in found.problems:
        raise problem


def page_of(found: Diagnosis) -> Page:
    """Return the diagnosis as one table."""
    from rnn_export.reports.table import Cell, Column, Table, Tone, row

    rows = [row("Python", Cell(found.python, "good"), Cell(found.system, "quiet"))]
    for package in found.packages:
        if package.version:
            rows.append(row(package.name, Cell(package.version, "good"), ""))
        else:
            tone: Tone = "bad" if package.needed else "doubtful"
            rows.append(row(package.name, Cell("missing", tone), package.install))
    rows.append(row(Cell("runtimes:", "strong"), "", ""))
    for runtime in found.runtimes:
        if runtime.version:
            details = ", ".join(f"{key} {value}" for key, value in runtime.details.items())
            rows.append(row(runtime.name, Cell(runtime.version, "good"), Cell(details, "quiet")))
        else:
            how = f"{runtime.install}  ({runtime.reason})"
            rows.append(row(runtime.name, Cell("missing", "doubtful"), how))
    columns = (
        Column("part", fold=True),
        Column("version"),
        Column("details, or how to get it", fold=True),
    )
    return (Table(columns, tuple(rows), f"rnn-export {found.program}"),)
