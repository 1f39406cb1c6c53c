"""Results as JSON: dataclasses become objects, and every number is one that JSON has."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np

SCHEMA = 1


def document(value: object) -> bytes:
    """Return a result as JSON text with a last newline, keys in the order of their definition.

    Args:
        value: dataclasses, mappings, sequences, paths, numbers, texts and None, in each other.

    Raises:
        TypeError: something else.
    """
    return (json.dumps(simple(value), indent=2, allow_nan=False) + "\n").encode()


def simple(value: object) -> object:
    """Return the same made of what JSON has; infinity and NaN become texts, since JSON has neither."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): simple(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [simple(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: simple(getattr(value, item.name)) for item in fields(value)}
    raise TypeError(f"a report holds plain data, got {type(value).__name__}")
