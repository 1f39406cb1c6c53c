"""``check DIR``: an artifact folder against its manifest."""

from __future__ import annotations

from pathlib import Path

import click

from rnn_export.cli.options import FILE, Command, json_option


@click.command("check", cls=Command)
@click.argument("folder", metavar="DIR", type=FILE)
@json_option
def command(folder: Path, json_file: Path | None) -> None:
    """Hold an artifact folder against its manifest.

    Every file's size and sha256 are compared. A file that is missing or was changed is an error (exit code 4).
    """
    from rnn_export.cli.output import emit, size
    from rnn_export.reports.table import Cell, Column, Page, Table, Tone, row
    from rnn_export.workflows.checking import check

    checked = check(folder)
    tones: dict[str, Tone] = {"same": "good", "not in the manifest": "doubtful"}
    rows = tuple(
        row(
            file.name,
            "" if file.size is None else size(file.size),
            Cell(file.state, tones.get(file.state, "bad")),
        )
        for file in checked.files
    )
    page: Page = (
        Table((Column("file", fold=True), Column("size", right=True), Column("state")), rows),
        Cell(f"network {checked.network}", "quiet"),
    )
    emit(page, checked, json_file)
    checked.raise_for_damage()
