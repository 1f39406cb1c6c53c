"""Options of commands that work on many models: where, and on which part of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rnn_export.workflows.shards import Shard

Function = TypeVar("Function", bound=Callable[..., Any])


class Part(click.ParamType["Shard"]):
    """I/N: part I of N."""

    name = "shard"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Shard:
        from rnn_export.workflows.shards import Shard

        if isinstance(value, Shard):
            return value
        try:
            return Shard.parse(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


def shard_option(function: Function) -> Function:
    """Add ``--shard I/N``."""
    return click.option(
        "--shard",
        type=Part(),
        metavar="I/N",
        help="Only part I of N, such as 3/16, for CI matrices.",
    )(function)


def scheduler_option(function: Function) -> Function:
    """Add ``--scheduler ADDRESS``."""
    return click.option(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="Have the workers of this Dask scheduler do it, in place of --jobs; they must see the same files.",
    )(function)
