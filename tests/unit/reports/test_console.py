"""Text for people: plain in pipes and with NO_COLOR, tables in a terminal, nothing lost in either."""

from __future__ import annotations

import io

import pytest

from rnn_export.reports.console import is_fancy, plain, show
from rnn_export.reports.table import Cell, Column, Page, Table, row

PAGE: Page = (
    Cell("artifacts/net", "strong"),
    Table(
        (Column("layer", fold=True), Column("parameters", right=True)),
        (row("rnn", "6,208"), row("a_layer_with_a_long_name", Cell("1", "bad"))),
        "network",
    ),
)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal, as a pseudo-terminal's does."""

    def isatty(self) -> bool:
        return True


def test_plain_text_is_aligned_columns_without_anything_else() -> None:
    assert plain(PAGE).splitlines() == [
        "artifacts/net",
        "network",
        "layer                     parameters",
        "rnn                            6,208",
        "a_layer_with_a_long_name           1",
    ]


def test_a_pipe_gets_plain_text() -> None:
    stream = io.StringIO()
    show(PAGE, stream)
    assert stream.getvalue() == plain(PAGE)


def test_a_terminal_gets_colours_and_every_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    show(PAGE, stream)
    text = stream.getvalue()
    assert "\x1b[" in text
    for word in ("artifacts/net", "network", "layer", "6,208", "a_layer_with_a_long_name"):
        assert word in text


def test_a_narrow_terminal_folds_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "24")
    stream = Terminal()
    show(PAGE, stream)
    letters = [character for character in stream.getvalue() if character.isalpha()]
    for word in ("parameters", "long", "name"):
        assert set(word) <= set(letters)
    assert "…" not in stream.getvalue()


@pytest.mark.parametrize(
    ("variables", "fancy"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    variables: dict[str, str], fancy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_fancy(Terminal()) is fancy
    assert not is_fancy(io.StringIO())


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 1 cells each"):
        Table((Column("one"),), (row("a", "b"),))
