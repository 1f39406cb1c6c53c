"""JSON from a stranger: bounded in size and depth, plain values only, one clear error when it is damaged."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rnn_export.errors import ReadError
from rnn_export.readers.limits import Limits

Json = object


def parse(text: bytes, subject: str, limits: Limits) -> dict[str, Json]:
    """Return the JSON object in ``text``.

    Raises:
        ReadError: too large, too deep, not JSON, or not an object.
    """
    limits.hold("config_bytes", len(text), subject, "bytes")
    # Before it is parsed, as parsing them is what costs; brackets inside strings count as well.
    limits.hold("config_parts", text.count(b"[") + text.count(b"{"), subject, "objects and lists")
    try:
        value = json.loads(text.decode("utf-8"))
    except RecursionError:
        raise _too_deep(subject, limits) from None
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise ReadError(subject, expected="JSON text", got=f"damaged text ({reason})") from None
    if not isinstance(value, dict):
        raise ReadError(subject, expected="a JSON object", got=f"a {type(value).__name__}")
    _measure(value, subject, limits)
    return value


def plain(value: object, subject: str, limits: Limits) -> dict[str, Json]:
    """Return a live object's configuration as JSON would carry it: tuples as lists, NumPy scalars as numbers.

    Raises:
        ReadError: something in it is no plain data.
    """
    try:
        text = json.dumps(value, default=_scalar)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ReadError(subject, expected="a configuration of plain data", got=reason) from None
    except RecursionError:
        raise _too_deep(subject, limits) from None
    return parse(text.encode(), subject, limits)


def _scalar(value: object) -> object:
    """Return a NumPy scalar's or array's plain value."""
    to_plain = getattr(value, "tolist", None)
    if to_plain is None:
        raise TypeError(f"a {type(value).__name__}")
    return to_plain()


def _too_deep(subject: str, limits: Limits) -> ReadError:
    return ReadError(
        subject,
        expected=f"JSON nested at most {limits.config_depth} deep",
        got="a deeper one",
        advice="If you trust the file, raise Limits.config_depth.",
    )


def _measure(value: Json, subject: str, limits: Limits) -> None:
    """Raise ReadError if the value is nested too deeply; level by level, so that depth costs no stack."""
    level: list[Json] = [value]
    for _ in range(limits.config_depth + 1):
        inside: list[Json] = []
        for item in level:
            if isinstance(item, Mapping):
                inside.extend(item.values())
            elif isinstance(item, list):
                inside.extend(item)
        if not inside:
            return
        level = inside
    raise _too_deep(subject, limits)
