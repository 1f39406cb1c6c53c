"""The measured table: how long each form took on a runtime, over a grid of shapes (scripts/bench_forms.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

FILE = "measured.json"


@dataclass(frozen=True)
class Row:
    """One shape on one runtime.

    Args:
        runtime: that ran it.
        threads: within an operator.
        layers, units, directions, batch, time: the shape; the input has half as many features as units.
        seconds: of the shortest run, by form.
    """

    runtime: str
    threads: int
    layers: int
    units: int
    directions: int
    batch: int
    time: int
    seconds: Mapping[str, float]


@cache
def rows() -> tuple[Row, ...]:
    """Return every row of the table that comes with this package."""
    text = resources.files("rnn_export.workflows").joinpath(FILE).read_text()
    return tuple(Row(**row) for row in json.loads(text)["rows"])
