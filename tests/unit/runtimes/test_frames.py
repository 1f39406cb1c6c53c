"""Frames carry any array between processes byte for byte, and tell garbage from an answer."""

from __future__ import annotations

import io
import os
import threading

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnn_export.runtimes import frames

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)

ARRAYS = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array(3.5),
    np.array(True),
    np.empty((0, 4), np.float32),
    np.empty((3, 0), np.int64),
    np.array([1.5, -2.25], np.float16),
    np.array([1.5, -2.25], BFLOAT16),
    np.array([[1, 2], [3, 4]], ml_dtypes.int4),
    np.array([True, False]),
    np.array([np.nan, np.inf, -0.0]),
    np.array([1 + 2j], np.complex64),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(20)[::3],
    np.arange(4, dtype=">f8"),
    np.array([2**63], np.uint64),
]


def through_a_pipe(
    header: frames.Header, arrays: dict[str, np.ndarray]
) -> tuple[frames.Header, dict[str, np.ndarray]]:
    reading, writing = os.pipe()
    with io.FileIO(reading) as source, io.FileIO(writing, "w") as target:
        writer = threading.Thread(target=frames.write, args=(target, header, arrays))
        writer.start()
        result = frames.read(source)
        writer.join()
    return result


@pytest.mark.parametrize("array", ARRAYS, ids=lambda each: f"{each.dtype}{list(each.shape)}")
def test_an_array_arrives_as_it_was(array: np.ndarray) -> None:
    header, arrays = through_a_pipe({"ask": "run", "é": [1, None]}, {"x": array, "y": array})
    assert header == {"ask": "run", "é": [1, None]}
    assert list(arrays) == ["x", "y"]
    for arrived in arrays.values():
        assert arrived.shape == array.shape
        assert arrived.dtype == array.dtype.newbyteorder("=")
        assert arrived.tobytes() == array.astype(arrived.dtype).tobytes()
        assert arrived.flags.writeable


@given(
    hnp.arrays(
        st.one_of(hnp.floating_dtypes(), hnp.integer_dtypes(), hnp.boolean_dtypes()),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    )
)
def test_any_array_arrives_as_it_was(array: np.ndarray) -> None:
    _, arrays = through_a_pipe({}, {"x": array})
    np.testing.assert_array_equal(arrays["x"], array)


def test_arrays_larger_than_a_pipe_arrive() -> None:
    array = np.random.default_rng(0).standard_normal(2**19)
    _, arrays = through_a_pipe({}, {"x": array})
    assert np.array_equal(arrays["x"], array)


def test_a_contiguous_array_is_not_copied() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.shares_memory(np.asarray(frames.as_bytes("x", array)), array)


@pytest.mark.parametrize(
    "array",
    [
        np.array(["text"]),
        np.array([b"bytes"]),
        np.array([object()]),
        np.zeros(2, [("a", "f4")]),
        np.zeros(2, "V4"),
        np.array(["2026-01-01"], "datetime64[D]"),
    ],
    ids=lambda each: str(each.dtype),
)
def test_what_is_no_number_does_not_travel(array: np.ndarray) -> None:
    target = io.BytesIO()
    with pytest.raises(frames.NoDtype, match="'x': expected numbers or booleans"):
        frames.write(target, {}, {"good": np.ones(3), "x": array})
    assert target.getvalue() == b""  # nothing of the frame went out


def test_an_unknown_dtype_leaves_the_pipe_in_step() -> None:
    reading, writing = os.pipe()
    with io.FileIO(reading) as source, io.FileIO(writing, "w") as target:
        frames.write(target, {}, {"x": np.zeros(8, np.float32)})
        frames.write(target, {"next": 1}, {})
        sent = source.read(10_000)
    assert sent is not None
    strange = io.BytesIO(sent.replace(b"float32", b"float33"))
    with pytest.raises(frames.NoDtype, match="'float33': expected one of NumPy's or ml_dtypes'"):
        frames.read(strange)
    assert frames.read(strange) == ({"next": 1}, {})


def test_a_closed_pipe_is_the_end() -> None:
    with pytest.raises(EOFError):
        frames.read(io.BytesIO())


def test_half_a_frame_is_the_end() -> None:
    whole = io.BytesIO()
    frames.write(whole, {}, {"x": np.ones(9)})
    with pytest.raises(EOFError):
        frames.read(io.BytesIO(whole.getvalue()[:-1]))


@pytest.mark.parametrize(
    "garbage",
    [
        b"I am a progress bar: 10%",
        frames.PREFIX.pack(frames.MAGIC, 2**60),
        frames.PREFIX.pack(frames.MAGIC, 4) + b"{no}",
        frames.PREFIX.pack(frames.MAGIC, 2) + b"{}",
        frames.PREFIX.pack(frames.MAGIC, 2) + b"[]",
    ],
)
def test_garbage_is_told_from_a_frame(garbage: bytes) -> None:
    with pytest.raises(frames.BadFrame):
        frames.read(io.BytesIO(garbage))
