"""Weights from a seed, the same bits on every platform: integers from PCG64, then only exact or IEEE steps.

NumPy promises the stream of a bit generator, but not those of its distributions; BLAS and LAPACK
promise no order of summation. So neither takes part here.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from hashlib import sha256
from math import sqrt

import numpy as np

from rnn_export.errors import NetworkError
from rnn_export.network import ArrayWeight
from rnn_export.network.dtypes import numpy_dtype

Shape = tuple[int, ...]


class Stream:
    """The numbers that belong to one seed and one path ("rnn/kernel"), whatever else is drawn.

    Args:
        seed: any integer.
        path: names the weight; another path gives independent numbers.
    """

    def __init__(self, seed: int, path: str) -> None:
        digest = sha256(f"{seed}/{path}".encode()).digest()
        self._bits = np.random.PCG64(int.from_bytes(digest, "big"))

    def uniform(self, shape: Shape, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """Return float64 values, evenly spread over [low, high)."""
        count = int(np.prod(shape, dtype=np.int64))
        # The upper 53 bits are a float64 fraction exactly.
        whole = np.asarray(self._bits.random_raw(count)) >> np.uint64(11)
        return (whole.astype(np.float64) * 2.0**-53 * (high - low) + low).reshape(shape)

    def bell(self, shape: Shape) -> np.ndarray:
        """Return float64 values of mean 0 and variance 1, near to normal: 12 uniforms added."""
        total = np.zeros(shape)
        for part in self.uniform((12, *shape)):
            total = total + part
        return total - 6.0


def fixed_sum(rows: np.ndarray) -> np.ndarray:
    """Return the sum over the first axis, added in halves: an order that no library changes."""
    while len(rows) > 1:
        half = (len(rows) + 1) // 2
        upper = rows[half:]
        rows = np.concatenate([rows[: len(upper)] + upper, rows[len(upper) : half]])
    return np.asarray(rows[0])


def glorot_uniform(stream: Stream, shape: Shape) -> np.ndarray:
    """Return uniform values within sqrt(6 / (fan_in + fan_out)). Source: keras.initializers.GlorotUniform."""
    return _within(stream, shape, 6.0 / (shape[0] + shape[-1]))


def he_uniform(stream: Stream, shape: Shape) -> np.ndarray:
    """Return uniform values within sqrt(6 / fan_in). Source: keras.initializers.HeUniform."""
    return _within(stream, shape, 6.0 / shape[0])


def lecun_uniform(stream: Stream, shape: Shape) -> np.ndarray:
    """Return uniform values within sqrt(3 / fan_in). Source: keras.initializers.LecunUniform."""
    return _within(stream, shape, 3.0 / shape[0])


def random_uniform(stream: Stream, shape: Shape) -> np.ndarray:
    """Return uniform values within 0.05. Source: keras.initializers.RandomUniform."""
    return stream.uniform(shape, -0.05, 0.05)


def orthogonal(stream: Stream, shape: Shape) -> np.ndarray:
    """Return an orthogonal matrix (size, size) as a product of reflections.

    Source: keras.initializers.Orthogonal; G. W. Stewart, The efficient generation of random orthogonal
    matrices (1980), for the product.

    Raises:
        NetworkError: a shape that is not square.
    """
    if len(shape) != 2 or shape[0] != shape[1]:
        raise NetworkError(
            "initializer 'orthogonal'",
            expected="a square matrix",
            got=str(shape),
            advice="Use it for recurrent_kernel; kernel takes 'glorot_uniform'.",
        )
    size = shape[0]
    q = np.eye(size)
    for start in reversed(range(size)):
        x = stream.bell((size - start,))
        length = sqrt(float(fixed_sum(x * x)))
        sign = 1.0 if x[0] >= 0 else -1.0
        # The reflection that takes x to -sign * length * e1; its scale is v.v / 2.
        v = x.copy()
        v[0] += sign * length
        scale = length * (length + abs(float(x[0])))
        block = q[start:, start:]
        along = fixed_sum(v[:, None] * block) / scale
        q[start:, start:] = block - v[:, None] * along
        q[start] *= -sign
    return q


def _within(stream: Stream, shape: Shape, square: float) -> np.ndarray:
    limit = sqrt(square)
    return stream.uniform(shape, -limit, limit)


INITIALIZERS: dict[str, Callable[[Stream, Shape], np.ndarray]] = {
    "glorot_uniform": glorot_uniform,
    "he_uniform": he_uniform,
    "identity": lambda stream, shape: np.eye(shape[0], shape[-1]),
    "lecun_uniform": lecun_uniform,
    "ones": lambda stream, shape: np.ones(shape),
    "orthogonal": orthogonal,
    "random_uniform": random_uniform,
    "uniform": random_uniform,
    "zeros": lambda stream, shape: np.zeros(shape),
}
"""Keras' initializers by name, as far as they can be drawn alike everywhere."""


def draw(
    initializer: str, shape: Shape, *, seed: int, path: str, dtype: str = "float32"
) -> ArrayWeight:
    """Return a weight drawn by one of Keras' initializers.

    Args:
        initializer: a key of INITIALIZERS.
        shape: of the weight, in Keras layout.
        seed: any integer.
        path: "layer/kernel"; equal seeds and paths give equal bits.
        dtype: what it is stored in; drawn in float64 and rounded once.

    Raises:
        NetworkError: an initializer this generator does not know, or one that needs another shape.
    """
    known = INITIALIZERS.get(initializer)
    if known is None:
        near = get_close_matches(initializer, INITIALIZERS, 1)
        raise NetworkError(
            f"{path}, initializer {initializer!r}",
            expected=f"one of {', '.join(sorted(INITIALIZERS))}",
            got=repr(initializer),
            advice=f"Did you mean {near[0]!r}?" if near else "",
        )
    return ArrayWeight(known(Stream(seed, path), shape).astype(numpy_dtype(dtype)))
