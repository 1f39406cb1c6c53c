"""Benchmarks read back from JSON, to be compared and drawn without being run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnn_export.workflows.benchmarks.figures import Ratio, Spread
from rnn_export.workflows.benchmarks.machine import Machine
from rnn_export.workflows.benchmarks.result import Benchmark, Entry, Floor, Point
from rnn_export.workflows.shapes import Shape


def read_benchmark(document: Mapping[str, Any]) -> Benchmark:
    """Return the benchmark that `reports.documents.document` wrote.

    Raises:
        KeyError, TypeError: a document of another kind.
    """
    machine = {**document["machine"], "instructions": tuple(document["machine"]["instructions"])}
    points = tuple(_point(point) for point in document["points"])
    shape = Shape(**document["shape"]) if document["shape"] else None
    changes = {"machine": Machine(**machine), "points": points, "shape": shape}
    return Benchmark(**{**document, **changes})


def _point(point: Mapping[str, Any]) -> Point:
    return Point(
        **{
            **point,
            "floor": Floor(**point["floor"]) if point["floor"] else None,
            "entries": tuple(_entry(entry) for entry in point["entries"]),
            "foreign": tuple(point["foreign"]),
            "counted": tuple(point["counted"]),
        }
    )


def _entry(entry: Mapping[str, Any]) -> Entry:
    changes = {
        "seconds": Spread(**entry["seconds"]) if entry["seconds"] else None,
        # JSON has no infinity: `document` writes it as a text.
        "ratio": Ratio(**{key: float(value) for key, value in entry["ratio"].items()})
        if entry["ratio"]
        else None,
        "rounds": tuple(entry["rounds"]),
    }
    return Entry(**{**entry, **changes})
