"""``export --target all``: a folder with a file for each runtime, and what was done for whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rnn_export.cli.output import emit, size
from rnn_export.reports.table import Cell, Column, Page, Table, row
from rnn_export.workflows.target_folder import export_all

if TYPE_CHECKING:
    from rnn_export.workflows.exporting import Asked
    from rnn_export.workflows.target_folder import TargetFolder


def write_all(
    source: str, folder: Path, asked: Asked, allow_nonfinite: bool, json_file: Path | None
) -> None:
    """Write the folder and print what is in it.

    Raises:
        ExportError: no runtime takes the network as asked.
        StoreError: the folder cannot be written, or is another's.
    """
    written = export_all(source, folder, asked, allow_nonfinite=allow_nonfinite)
    emit(page_of(written), written, json_file)


def page_of(written: TargetFolder) -> Page:
    """Return a row for each runtime, and its reasons below."""
    rows, lines = [], []
    for item in written.files:
        if item.file is None:
            rows.append(row(item.target, Cell("not written", "doubtful"), "", "", ""))
        else:
            rows.append(
                row(
                    item.target,
                    item.file,
                    item.form,
                    str(item.opset),
                    Cell(size(item.size), "quiet"),
                )
            )
        lines += [Cell(f"{item.target}: {reason}", "doubtful") for reason in item.reasons]
    columns = (
        Column("target"),
        Column("file"),
        Column("form"),
        Column("opset", right=True),
        Column("size", right=True),
    )
    count = sum(item.file is not None for item in written.files)
    title = f"{written.folder}: {count} of {len(written.files)} targets"
    return (Table(columns, tuple(rows), title), *lines)
