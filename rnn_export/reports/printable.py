"""Text that others wrote, made safe to print: a name in a file must not command the terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return text with escapes, marks that turn the direction of writing, and halves of characters spelled out.

    >>> printable("fine: ü 層\nnext"), printable("\x1b[2J\u202e")
    ('fine: ü 層\nnext', '\\x1b[2J\\u202e')
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text
    )
