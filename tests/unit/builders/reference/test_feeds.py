"""What the reference takes and refuses: every port once, in its own dtype and shape, by name."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.builders.reference import run, trace
from rnn_export.errors import NetworkError
from rnn_export.network import ArrayWeight, Draft, Network, Source
from rnn_export.network.ops import Embedding, Merge, TokenMask


def two_inputs(dtype: str = "float32") -> Network:
    draft = Draft()
    a = draft.input("a", ("batch", "time", 3), dtype)
    b = draft.input("b", ("batch", "time", 3), "float64")
    (y,) = draft.call("add", Merge("add"), [a, b])
    draft.output("add", y)
    return draft.finish(Source("python", "two"))


def tokens(dtype: str) -> Network:
    draft = Draft()
    x = draft.input("tokens", ("batch", "time"), dtype)
    table = ArrayWeight(np.arange(8, dtype=np.float32).reshape(4, 2))
    (y,) = draft.call("embedding", Embedding(table), [x])
    (mask,) = draft.call("embedding/mask", TokenMask(), [x])
    draft.output("embedding", y)
    draft.output("mask", mask)
    return draft.finish(Source("python", "tokens"))


X = np.ones((2, 5, 3))

BAD = {
    "a missing feed": (
        {"a": X},
        r"^input 'b': expected to be fed, got feeds for 'a'\..*\(batch, time, 3\)",
    ),
    "no feeds": ({}, r"^input 'a': expected to be fed, got feeds for nothing"),
    "an extra feed": ({"a": X, "b": X, "c": X}, r"^input 'c': expected one of a, b"),
    "another rank": (
        {"a": X[0], "b": X},
        r"^input 'a': expected shape \(batch, time, 3\), got \(5, 3\)",
    ),
    "another width": ({"a": X, "b": X[..., :2]}, r"^input 'b': .*got \(2, 5, 2\)"),
    "another batch": (
        {"a": X, "b": X[:1]},
        r"^input 'b': expected batch 2 on axis 0, as in input 'a', got 1",
    ),
    "another time": ({"a": X, "b": X[:, :4]}, r"^input 'b': expected time 5 on axis 1"),
    "text": ({"a": X.astype(str), "b": X}, r"^input 'a': expected real numbers, got dtype <U"),
    "complex numbers": (
        {"a": X, "b": X * 1j},
        r"^input 'b': expected real numbers, got dtype complex128",
    ),
    "objects": (
        {"a": X.astype(object), "b": X},
        r"^input 'a': expected real numbers, got dtype object",
    ),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_feed_that_does_not_fit_is_refused_by_port(case: str) -> None:
    feeds, message = BAD[case]
    with pytest.raises(NetworkError, match=message):
        run(two_inputs(), feeds)


def test_no_other_working_dtype() -> None:
    with pytest.raises(NetworkError, match="expected float32 or float64, got float16"):
        run(two_inputs(), {"a": X, "b": X}, np.float16)


def test_feeds_are_rounded_to_their_ports_first() -> None:
    third = np.full((1, 1, 3), 1 / 3)
    got = run(two_inputs(), {"a": third, "b": np.zeros((1, 1, 3))}, np.float64)["add"]
    np.testing.assert_array_equal(got, third.astype(np.float32).astype(np.float64), strict=True)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_feeds_of_half_precision_ports_are_rounded_to_them(dtype: str) -> None:
    fed = np.full((1, 1, 3), 1 / 3)
    got = run(two_inputs(dtype), {"a": fed, "b": np.zeros((1, 1, 3))}, np.float64)["add"]
    bits = {"float16": 11, "bfloat16": 8}[dtype]
    nearest = np.round(2 / 3 * 2**bits) / 2 ** (bits + 1)
    np.testing.assert_array_equal(got, np.full((1, 1, 3), nearest))


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_tokens_are_truncated_and_a_fraction_counts_as_not_zero(dtype: str) -> None:
    made = run(tokens(dtype), {"tokens": np.array([[0.0, 1.9, 3.0, 0.5]])})
    np.testing.assert_array_equal(made["embedding"][0, :, 0], [0, 2, 6, 0])
    np.testing.assert_array_equal(made["mask"], [[False, True, True, dtype == "float32"]])


def test_trace_gives_every_tensor_and_the_inputs() -> None:
    network = tokens("int32")
    values = trace(network, {"tokens": np.array([[1, 2]])}, np.float64)
    assert set(values) == {tensor.id for tensor in network.tensors}
    assert values[network.inputs[0].tensor].dtype == np.int32
    for name, value in run(network, {"tokens": np.array([[1, 2]])}, np.float64).items():
        (tensor,) = (port.tensor for port in network.outputs if port.name == name)
        np.testing.assert_array_equal(value, values[tensor], strict=True)


def test_feeds_are_not_written_to() -> None:
    fed: dict[str, np.ndarray] = {"a": X.astype(np.float32), "b": X.copy()}
    for values in fed.values():
        values.setflags(write=False)
    run(two_inputs(), fed)
