"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

DEBUG = "rnn_export.debug"
Function = TypeVar("Function", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)
"""Any path: whether it exists is not usage (exit code 2) but a matter of the file (4)."""


def debug_option() -> click.Option:
    """Return ``--debug``, which every command takes, and the program too."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_note_debug,
        help="Log what is done, and on an error show where it happened.",
    )


class Command(click.Command):
    """A command with ``--debug``."""

    def __init__(self, *positional: Any, **settings: Any) -> None:
        super().__init__(*positional, **settings)
        self.params.append(debug_option())


def json_option(function: Function) -> Function:
    """Add ``--json FILE``: the result for programs, "-" for stdout in place of the text."""
    return click.option(
        "--json",
        "json_file",
        type=click.Path(path_type=Path, allow_dash=True),
        help='Write the result as JSON to this file; to stdout, in place of the text, with "-".',
    )(function)


def nonfinite_option(function: Function) -> Function:
    """Add ``--allow-nonfinite``."""
    return click.option(
        "--allow-nonfinite",
        is_flag=True,
        help="Take weights that are NaN or infinite; otherwise they are an error that names them.",
    )(function)


def _note_debug(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value and not ctx.meta.get(DEBUG):
        ctx.meta[DEBUG] = True
        import logging

        told = logging.StreamHandler()
        told.setFormatter(logging.Formatter("%(relativeCreated)7.0f ms  %(name)s: %(message)s"))
        logger = logging.getLogger("rnn_export")
        logger.addHandler(told)
        logger.setLevel(logging.DEBUG)
