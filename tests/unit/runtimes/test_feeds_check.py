"""The adapters' check of their inputs lets nothing through that a product would convert or broadcast."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.runtimes import Refused, Slot
from rnn_export.runtimes.feeds import check

SLOTS = (Slot("x", "float32", ("batch", "time", 3)), Slot("h", "float32", ("batch", 4)))


def feeds(x: tuple[int, ...], h: tuple[int, ...]) -> dict[str, np.ndarray]:
    return {"x": np.zeros(x, np.float32), "h": np.zeros(h, np.float32)}


def test_sizes_of_named_axes_are_returned() -> None:
    assert check("r", SLOTS, feeds((2, 7, 3), (2, 4))) == {"batch": 2, "time": 7}


def test_what_a_slot_leaves_open_is_not_checked() -> None:
    slots = (Slot("x", None, None), Slot("h", None, (None, 4)))
    assert check("r", slots, feeds((1,), (5, 4))) == {}


@pytest.mark.parametrize(
    ("x", "h", "words"),
    [
        ((2, 7, 5), (2, 4), r"'x': expected shape \(2, 7, 3\), got \(2, 7, 5\)"),
        ((2, 7), (2, 4), r"'x': expected shape \(2, 7, 3\), got \(2, 7\)"),
        ((2, 7, 3, 1), (2, 4), "'x'"),
        ((2, 7, 3), (1, 4), r"'h': expected shape \(2, 4\), got \(1, 4\)"),
    ],
)
def test_another_shape_is_refused(x: tuple[int, ...], h: tuple[int, ...], words: str) -> None:
    with pytest.raises(Refused, match=words):
        check("r", SLOTS, feeds(x, h))


def test_another_dtype_is_refused() -> None:
    wrong = {**feeds((2, 7, 3), (2, 4)), "h": np.zeros((2, 4))}
    with pytest.raises(Refused, match="'h': expected dtype float32, got float64"):
        check("r", SLOTS, wrong)
