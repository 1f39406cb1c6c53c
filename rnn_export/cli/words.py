"""Words of the command line that are looked up before any work begins; an unknown one is usage (exit code 2)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

ALL = "all"
"""In place of a target: every runtime that takes files."""

SUFFIXES = (".keras", ".h5", ".hdf5", ".toml", ".onnx")


class Source(click.ParamType[str]):
    """A preset's name, or a file. A word that looks like a file is one, whether it exists or not."""

    name = "source"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text: str = os.fspath(value)
        looks = text.endswith(SUFFIXES) or ".toml:" in text or os.sep in text
        if looks or Path(text).exists():
            return text
        from difflib import get_close_matches

        from rnn_export import presets

        known = presets.names()
        if text not in known:
            near = [name for name in known if text in name][:3] or get_close_matches(text, known, 3)
            hint = f"Did you mean {' or '.join(near)}?" if near else "`presets` lists them."
            self.fail(f"{text!r} is neither a preset nor a file. {hint}", param, ctx)
        return text

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from rnn_export import presets

        names = [CompletionItem(name) for name in presets.names() if name.startswith(incomplete)]
        return names or [CompletionItem(incomplete, type="file")]


class Runtime(click.ParamType[str]):
    """A runtime's name, with "@precision" after it where asked for."""

    name = "runtime"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from rnn_export.runtimes.failures import UnknownRuntime
        from rnn_export.runtimes.table import find

        try:
            find(value)
        except UnknownRuntime as error:
            self.fail(str(error), param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from rnn_export.runtimes.table import names

        return [CompletionItem(name) for name in names() if name.startswith(incomplete)]


class Target(Runtime):
    """A runtime's name, or "all"."""

    name = "target"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return ALL if value == ALL else super().convert(value, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        more = [CompletionItem(ALL)] if ALL.startswith(incomplete) else []
        return [*super().shell_complete(ctx, param, incomplete), *more]


class Form(click.ParamType[str]):
    """A form of graph.

    Args:
        more: words that are taken beside the forms that can be exported.
    """

    name = "form"

    def __init__(self, *more: str) -> None:
        self._more = more

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        known = self._known()
        if value not in known:
            self.fail(f"{value!r} is none of {', '.join(known)}.", param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self._known() if name.startswith(incomplete)]

    def _known(self) -> tuple[str, ...]:
        from rnn_export.exporters import FORMS

        return (*FORMS, *self._more)
