"""``matrix``: every form on every runtime, measured: does it run, does it agree, how fast, or why not."""

from __future__ import annotations

from pathlib import Path

import click

from rnn_export.cli.options import FILE, Command, json_option
from rnn_export.cli.words import Form, Runtime


@click.command("matrix", cls=Command)
@click.option(
    "--runtime",
    "runtimes",
    type=Runtime(),
    multiple=True,
    help="Whose row to measure; may be repeated.  [default: all]",
)
@click.option(
    "--form",
    "forms",
    type=Form("loop"),
    multiple=True,
    help='Of the files; may be repeated; "loop" is Keras\' own translation.  [default: all]',
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="A network to measure: a preset or a trait (`reverse`, `mask`, ...); may be repeated.  [default: all]",
)
@click.option("--page", type=FILE, metavar="FILE.md", help="Write the whole matrix as Markdown.")
@click.option(
    "--table",
    type=FILE,
    metavar="FILE.json",
    help="Write the table of capabilities, which `export --target` goes by.",
)
@json_option
def command(
    runtimes: tuple[str, ...],
    forms: tuple[str, ...],
    only: tuple[str, ...],
    page: Path | None,
    table: Path | None,
    json_file: Path | None,
) -> None:
    """Measure every form on every runtime.

    The networks are one for each trait that a runtime may lack, and the presets. Each file is run, judged and, if
    it agrees, timed; a runtime that refuses is quoted, one that dies ends nothing. Runtimes that are not installed
    keep their row, as UNAVAILABLE. Takes minutes.
    """
    from rnn_export.cli.output import emit
    from rnn_export.cli.progress import Progress
    from rnn_export.errors import NetworkError
    from rnn_export.reports.markdown import markdown
    from rnn_export.store import write_bytes
    from rnn_export.workflows.capabilities import condensed
    from rnn_export.workflows.matrix.page import summary, whole
    from rnn_export.workflows.matrix.running import measure
    from rnn_export.workflows.matrix.samples import samples

    try:
        samples(only)
    except NetworkError as error:
        raise click.UsageError(str(error)) from error
    with Progress("measuring") as progress:
        found = measure(runtimes=runtimes, forms=forms, only=only, tell=progress.step)
    emit(summary(found), found, json_file)
    if page is not None:
        write_bytes(page, ("# Forms and runtimes\n\n" + markdown(whole(found))).encode())
    if table is not None:
        write_bytes(table, condensed(found))
