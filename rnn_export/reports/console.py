"""Text for people: rich tables in a terminal, plain aligned columns in a file, a pipe or with NO_COLOR."""

from __future__ import annotations

import os
from typing import TextIO

from rnn_export.reports.printable import printable
from rnn_export.reports.table import Page, Table, Tone

STYLES: dict[Tone, str] = {
    "": "",
    "good": "green",
    "bad": "bold red",
    "doubtful": "yellow",
    "quiet": "dim",
    "strong": "bold",
}


def is_fancy(stream: TextIO) -> bool:
    """Tell whether to draw and colour: in a terminal that can, unless NO_COLOR asks not to.

    Source: https://no-color.org
    """
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def show(page: Page, stream: TextIO) -> None:
    """Write a page.

    Args:
        page: lines and tables.
        stream: where to; its being a terminal decides the way.
    """
    if is_fancy(stream):
        _fancy(page, stream)
    else:
        stream.write(plain(page))


def plain(page: Page) -> str:
    """Return a page as text without colours or frames; nothing is cut off, whatever the width."""
    parts = [
        _plain_table(item) if isinstance(item, Table) else printable(item.text) for item in page
    ]
    return "".join(f"{part}\n" for part in parts)


def _plain_table(table: Table) -> str:
    rows = [tuple(column.name for column in table.columns)]
    rows += [tuple(printable(cell.text) for cell in row) for row in table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [table.title] if table.title else []
    for row in rows:
        padded = [
            text.rjust(width) if column.right else text.ljust(width)
            for text, width, column in zip(row, widths, table.columns, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _fancy(page: Page, stream: TextIO) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    for item in page:
        if not isinstance(item, Table):
            console.print(Text(printable(item.text), style=STYLES[item.tone]))
            continue
        drawn = RichTable(
            title=item.title or None,
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            header_style="bold",
        )
        for column in item.columns:
            drawn.add_column(
                column.name,
                justify="right" if column.right else "left",
                no_wrap=not column.fold,
                overflow="fold",
            )
        for row in item.rows:
            drawn.add_row(*(Text(printable(cell.text), style=STYLES[cell.tone]) for cell in row))
        console.print(drawn)
