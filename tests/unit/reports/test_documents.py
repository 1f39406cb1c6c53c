"""JSON documents hold what the results hold, in what JSON has."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rnn_export.reports.documents import document, simple


@dataclass(frozen=True)
class Inner:
    path: Path
    ratio: float


@dataclass(frozen=True)
class Outer:
    name: str
    inner: tuple[Inner, ...]
    none: None = None


def test_dataclasses_become_objects_in_the_order_of_their_fields() -> None:
    data = document(Outer("x", (Inner(Path("a/b"), 0.5),)))
    assert json.loads(data) == {
        "name": "x",
        "inner": [{"path": "a/b", "ratio": 0.5}],
        "none": None,
    }
    assert data.endswith(b"}\n")


def test_numbers_that_json_lacks_become_texts() -> None:
    assert simple([math.inf, -math.inf, math.nan]) == ["inf", "-inf", "nan"]


def test_numpy_scalars_become_numbers() -> None:
    assert json.loads(document([np.float32(0.5), np.int64(3)])) == [0.5, 3]


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="got ndarray"):
        document([np.zeros(2)])
