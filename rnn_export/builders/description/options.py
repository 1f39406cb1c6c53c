"""Options by name with their types checked; what nobody asked for is refused, with the nearest name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from rnn_export.errors import NetworkError

Kind = TypeVar("Kind")


class Options:
    """The options of one layer (or network), each to be taken once by the one who knows it.

    Args:
        given: names and values.
        subject: how errors name the place.
    """

    def __init__(self, given: Mapping[str, object], subject: str) -> None:
        self._given = given
        self._known: list[str] = []
        self.subject = subject

    def __contains__(self, key: str) -> bool:
        return key in self._given

    def integer(self, key: str, default: int | None = None, *, least: int = 1) -> int:
        """Return a whole number of at least ``least``; required if there is no default."""
        value = self._take(key, default, "a whole number")
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.wrong(key, f"a whole number from {least}", value)
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number; required if there is no default."""
        value = self._take(key, default, "a number")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(key, "a number", value)
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key, default, "true or false")
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false", value)
        return value

    def text(self, key: str, default: str | None = None, among: tuple[str, ...] = ()) -> str:
        """Return text, one of ``among`` if there are any; required if there is no default."""
        value = self._take(key, default, "text")
        if not isinstance(value, str) or (among and value not in among):
            near = get_close_matches(value, among, 1) if isinstance(value, str) else []
            raise self.wrong(
                key,
                f"one of {', '.join(among)}" if among else "text",
                value,
                f"Did you mean {near[0]!r}?" if near else "",
            )
        return value

    def tables(self, key: str) -> list[Mapping[str, object]]:
        """Return one table or several, as a list; required."""
        value = self._take(key, None, "a table")
        found = value if isinstance(value, (list, tuple)) else [value]
        if not found or not all(isinstance(item, Mapping) for item in found):
            raise self.wrong(key, "a table or a list of tables", value)
        return list(found)

    def raw(self, key: str) -> object | None:
        """Return the value as it is; None if it is not given."""
        self._known.append(key)
        return self._given.get(key)

    def finish(self) -> None:
        """Refuse what nobody took.

        Raises:
            NetworkError: an unknown option; the advice names the nearest known one.
        """
        for key in self._given:
            if key not in self._known:
                near = get_close_matches(key, self._known, 1)
                raise NetworkError(
                    self.subject,
                    expected=f"options among {', '.join(sorted(self._known))}",
                    got=repr(key),
                    advice=f"Did you mean {near[0]!r}?" if near else "",
                )

    def wrong(self, key: str, expected: str, value: object, advice: str = "") -> NetworkError:
        """Return the error for a value that does not fit."""
        return NetworkError(
            f"{self.subject}, {key}", expected=expected, got=repr(value), advice=advice
        )

    def _take(self, key: str, default: Kind | None, expected: str) -> object:
        value = self.raw(key)
        if value is None and default is None:
            raise self.wrong(key, expected, "nothing")
        return default if value is None else value
