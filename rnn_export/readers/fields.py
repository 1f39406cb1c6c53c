"""Typed access to a layer's configuration: a missing or odd value becomes one clear error with the layer's name."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from rnn_export.errors import ReadError
from rnn_export.readers.json_text import Json


class Fields:
    """A configuration (a JSON object) and whose it is.

    Args:
        values: the object.
        subject: for errors ("layer 'rnn' (SimpleRNN)").
    """

    def __init__(self, values: Mapping[str, Json], subject: str) -> None:
        self.values = values
        self.subject = subject

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def get(self, name: str) -> Json:
        """Return the raw value, None if there is none."""
        return self.values.get(name)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or value in (0, 1):
            return bool(value)
        raise self._odd(name, "true or false", value)

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a whole number."""
        value = self.values.get(name)
        value = default if value is None else value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._odd(name, "a whole number", value)
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """Return a finite number."""
        value = self.values.get(name)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not _finite(value):
            raise self._odd(name, "a finite number", value)
        return float(value)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string."""
        value = self.values.get(name)
        value = default if value is None else value
        if not isinstance(value, str):
            raise self._odd(name, "text", value)
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        """Return whole numbers; a single one counts as a list of one."""
        value = self.values.get(name)
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, int) and not isinstance(item, bool) for item in items):
            raise self._odd(name, "whole numbers", value)
        return tuple(item for item in items if isinstance(item, int))

    def items(self, name: str) -> list[Json]:
        """Return a list."""
        value = self.values.get(name)
        if not isinstance(value, list):
            raise self._odd(name, "a list", value)
        return value

    def inside(self, name: str) -> dict[str, Json]:
        """Return a JSON object."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise self._odd(name, "an object", value)
        return value

    def _odd(self, name: str, expected: str, value: Json) -> ReadError:
        return ReadError(
            self.subject,
            expected=f"{expected} as {name!r}",
            got=brief(value),
            advice="The file is damaged, or no Keras model.",
        )


def brief(value: object) -> str:
    """Return a value's repr, cut to what fits in one line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:
        return False
