"""A page as Markdown, for pages that are committed."""

from __future__ import annotations

from rnn_export.reports.table import Cell, Page, Table


def markdown(page: Page) -> str:
    r"""Return a page as Markdown: strong lines and titles are headings, tables are tables.

    >>> markdown((Cell("Who", "strong"), Cell("a|b")))
    '## Who\n\na\\|b\n'
    """
    parts = [_table(item) if isinstance(item, Table) else _line(item) for item in page]
    return "\n\n".join(parts) + "\n"


def _line(line: Cell) -> str:
    return f"## {line.text}" if line.tone == "strong" else _escaped(line.text)


def _table(table: Table) -> str:
    names = [_escaped(column.name) for column in table.columns]
    rules = ["---:" if column.right else "---" for column in table.columns]
    rows = [[_escaped(cell.text) for cell in row] for row in table.rows]
    lines = [f"| {' | '.join(cells)} |" for cells in (names, rules, *rows)]
    return "\n".join([f"## {table.title}\n", *lines] if table.title else lines)


def _escaped(text: str) -> str:
    # A line break would end the row, "|" the cell, "<" begins a tag, and "_" and "*" in words slant them.
    text = " ".join(text.split())
    for mark in ("\\", "|", "<", "_", "*"):
        text = text.replace(mark, f"\\{mark}")
    return text
