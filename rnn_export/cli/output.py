"""Handing a result over: a page on stdout for people, JSON to a file or to stdout for programs."""

from __future__ import annotations

import sys
from pathlib import Path

from rnn_export.reports.console import show
from rnn_export.reports.table import Page


def emit(page: Page, result: object, json_file: Path | None) -> None:
    """Print ``page``, and write ``result`` as JSON where it was asked for ("-": to stdout, and no page).

    Raises:
        StoreError: the JSON file cannot be written.
    """
    if json_file is None:
        show(page, sys.stdout)
        return
    # Here, since a plain `export` would pay for them: they are a tenth of its time.
    from rnn_export.reports.documents import document
    from rnn_export.store import write_bytes

    if str(json_file) == "-":
        sys.stdout.write(document(result).decode())
        return
    show(page, sys.stdout)
    write_bytes(json_file, document(result))


def size(count: int) -> str:
    """Return a number of bytes for people.

    >>> size(999), size(12_345), size(1_304_832)
    ('999 B', '12.3 kB', '1.3 MB')
    """
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def shape(axes: tuple[int | str, ...]) -> str:
    """Return a shape for people.

    >>> shape(("batch", "time", 32))
    '(batch, time, 32)'
    """
    return f"({', '.join(map(str, axes))})"
