"""The one place where an exception becomes one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import traceback

import click

from rnn_export.cli.options import DEBUG
from rnn_export.errors import RnnExportError, RuntimeUnavailable
from rnn_export.reports.printable import printable

DONE, FAILED, USAGE, MISSING, ERROR = 0, 1, 2, 3, 4
INTERRUPTED = 128 + 2  # SIGINT, as shells count
PIPE_CLOSED = 128 + 13  # SIGPIPE; not 1, which would be a verdict


class Stop(Exception):
    """A command's end with an exit code, everything being said.

    Args:
        code: one of the constants of this module.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


def run(app: click.Command, program: str, arguments: list[str]) -> int:
    """Run a command line and return its exit code; whatever it raises is one line on stderr.

    Args:
        app: the group of commands.
        program: its name in messages.
        arguments: without the program's name.
    """
    code = _ended(app, program, arguments)
    try:
        # Here, not at the interpreter's end, where a closed pipe is a message and exit code 120.
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    except OSError as error:
        _drop_output()
        say(f"standard output: {line(error)}")
        return ERROR
    return code


def _ended(app: click.Command, program: str, arguments: list[str]) -> int:
    meta: dict[str, object] = {}
    try:
        with app.make_context(program, list(arguments)) as context:
            meta = context.meta
            app.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except Stop as stop:
        return stop.code
    except click.UsageError as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        say("interrupted; what was finished is kept")
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    except Exception as error:
        if meta.get(DEBUG):
            traceback.print_exc()
        say(line(error))
        return MISSING if isinstance(error, RuntimeUnavailable) else ERROR
    return DONE


def line(error: Exception) -> str:
    """Return what to tell of an error, in one line."""
    if isinstance(error, RnnExportError):
        text = str(error)
    elif isinstance(error, click.ClickException):
        text = error.format_message()
    elif isinstance(error, OSError):
        text = f"{error.filename or 'system'}: {(error.strerror or str(error)).lower()}"
    elif isinstance(error, MemoryError):
        text = "memory: expected enough for this model, got too little. Use a machine with more."
    else:
        text = f"internal error: {type(error).__name__}: {error}. Please report it, with what --debug shows."
    return text


LONGEST = 1_000
"""Characters; whoever wrote the file chose its names, and they can be megabytes."""


def say(text: str) -> None:
    """Write one line to stderr, of which nothing can command the terminal."""
    line = " ".join(text.split())
    if len(line) > LONGEST:
        line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
    click.echo(f"rnn-export: {printable(line)}", err=True)


def _drop_output() -> None:
    """Let the interpreter's last flush go nowhere, since whoever read our output is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
