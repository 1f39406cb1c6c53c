"""``presets``: the networks that come with this package."""

from __future__ import annotations

from pathlib import Path

import click

from rnn_export.cli.options import Command, json_option


@click.command("presets", cls=Command)
@json_option
def command(json_file: Path | None) -> None:
    """List the networks that come with this package.

    Their names are sources for `build`, `export` and `verify`. Weights are drawn from a seeded generator
    and are the same everywhere; sizes are those of the founding notebooks.
    """
    from rnn_export.cli.output import emit
    from rnn_export.presets import PRESETS
    from rnn_export.reports.table import Cell, Column, Page, Table, row

    columns = (
        Column("preset"),
        Column("batch", right=True),
        Column("time", right=True),
        Column("parameters", right=True),
        Column("what it is", fold=True),
    )
    rows = tuple(
        row(
            Cell(preset.name, "strong"),
            str(preset.batch),
            str(preset.time),
            f"{preset.parameters:,}",
            preset.about,
        )
        for preset in PRESETS.values()
    )
    result = [
        {
            "name": preset.name,
            "notebook": preset.notebook,
            "about": preset.about,
            "batch": preset.batch,
            "time": preset.time,
            "parameters": preset.parameters,
        }
        for preset in PRESETS.values()
    ]
    page: Page = (Table(columns, rows),)
    emit(page, result, json_file)
