"""Every end of the program has its exit code, and an error is exactly one line on stderr."""

from __future__ import annotations

import errno
import os

import click
import pytest

from rnn_export.cli import boundary
from rnn_export.cli.options import Command
from rnn_export.errors import ReadError, RnnExportError, RuntimeUnavailable, StoreError


def ends(error: BaseException | None, arguments: tuple[str, ...] = ()) -> int:
    def body() -> None:
        if error is not None:
            raise error

    app = click.Group(commands=[Command("do", callback=body)])
    return boundary.run(app, "rnn-export", ["do", *arguments])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (boundary.Stop(1), 1),
        (boundary.Stop(3), 3),
        (click.UsageError("no"), 2),
        (RuntimeUnavailable("tract", expected="tract", got="none"), 3),
        (ReadError("m.keras", expected="a file", got="nothing"), 4),
        (StoreError("artifacts", expected="space", got="none"), 4),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "m.keras"), 4),
        (MemoryError(), 4),
        (ZeroDivisionError("division by zero"), 4),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
    ],
)
def test_each_end_has_its_exit_code(
    error: BaseException | None, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ends(error) == code


@pytest.mark.parametrize(
    "error",
    [
        ReadError("m.keras", expected="a file", got="two\nlines", advice="Look."),
        FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "m.keras"),
        ZeroDivisionError("division\nby zero"),
        MemoryError(),
        KeyboardInterrupt(),
    ],
)
def test_an_error_is_one_line_on_stderr_and_nothing_on_stdout(
    error: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    ends(error)
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith("rnn-export: ")
    assert said.err.count("\n") == 1


def test_debug_shows_where_it_happened_and_still_ends_with_the_line(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert ends(ZeroDivisionError("division by zero"), ("--debug",)) == 4
    said = capfd.readouterr().err.splitlines()
    assert said[0].startswith("Traceback")
    assert said[-1].startswith("rnn-export: internal error: ZeroDivisionError: division by zero.")


def test_an_error_of_the_tree_is_told_in_its_own_words() -> None:
    error = RnnExportError("m.keras", expected="a", got="b", advice="Do c.")
    assert boundary.line(error) == "m.keras: expected a, got b. Do c."
