"""A table and lines around it, before anyone has decided how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "good", "bad", "doubtful", "quiet", "strong"]
"""What a text means for the reader; `console` turns it into colours where there are some."""


@dataclass(frozen=True)
class Cell:
    """A text and its tone."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Column:
    """A heading; numbers stand on the right. A column that may ``fold`` gives way in a narrow terminal."""

    name: str
    right: bool = False
    fold: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under columns, with a title above.

    Args:
        columns: at least one.
        rows: as many cells as columns, each.
        title: a line above; "" for none.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(
                f"rows of table {self.title!r}: expected {len(self.columns)} cells each"
            )


Line = Cell
"""A line of text between tables."""

Page = tuple[Table | Line, ...]
"""What a command shows, from top to bottom."""


def row(*texts: str | Cell) -> tuple[Cell, ...]:
    """Return a row, plain strings made cells without a tone."""
    return tuple(text if isinstance(text, Cell) else Cell(text) for text in texts)
