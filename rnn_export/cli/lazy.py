"""A group of commands that imports a command's module only when that command is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass

import click


@dataclass(frozen=True)
class Place:
    """Where a command is, and the line that ``--help`` shows of it."""

    module: str
    summary: str


class LazyGroup(click.Group):
    """Commands by name and place; ``--help`` of the group imports none of them."""

    def __init__(self, *, places: Mapping[str, Place], **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in their own order, which is the order of use."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return its ``command``."""
        place = self._places.get(cmd_name)
        if place is None:
            return None
        command: click.Command = importlib.import_module(place.module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of one that is unknown, name those that are spelled like it."""
        from difflib import get_close_matches

        near = get_close_matches(args[0], self._places, 2)
        if args[0] not in self._places and near:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {' or '.join(near)}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in self._places.items()])
