"""``judge EVIDENCE``: the verdict again, from what `verify --evidence` has kept."""

from __future__ import annotations

from pathlib import Path

import click

from rnn_export.cli.boundary import Stop
from rnn_export.cli.options import FILE, Command, json_option


@click.command("judge", cls=Command)
@click.argument("evidence", type=FILE)
@json_option
def command(evidence: Path, json_file: Path | None) -> None:
    """Pass the verdict again from saved evidence.

    EVIDENCE is a folder that `verify --evidence` made. Nothing is run: neither Keras nor a runtime is needed.
    """
    from rnn_export.cli.output import emit
    from rnn_export.cli.progress import Progress
    from rnn_export.reports.verdicts import page_of
    from rnn_export.workflows.evidence import rejudge

    with Progress("judging") as progress:
        report = rejudge(evidence, progress.step)
    emit(page_of(report), report.to_json(), json_file)
    if report.exit_code:
        raise Stop(report.exit_code)
