"""Weights from a seed: the bits are pinned, and the distributions are Keras'."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from rnn_export.errors import NetworkError
from rnn_export.presets.seeded import INITIALIZERS, Stream, draw, fixed_sum

U = 2.0**-53


def test_uniforms_are_pinned_to_the_bit() -> None:
    got = Stream(20, "layer/kernel").uniform((3,))
    assert [value.hex() for value in got.tolist()] == PINNED_UNIFORMS


# Any platform, any NumPy: a change here changes every preset, its files and its digests.
PINNED_UNIFORMS = ["0x1.913934feecb24p-2", "0x1.8fda4697f3192p-2", "0x1.33ee5c0919510p-4"]
PINNED = {
    "glorot_uniform": "af4996b7a038ae39",
    "he_uniform": "d3d0f24ad4c218de",
    "identity": "e0569690904ae74b",
    "lecun_uniform": "af4996b7a038ae39",
    "ones": "a75344791b4825bb",
    "orthogonal": "7e34841cbc223edc",
    "random_uniform": "887954fd85187630",
    "uniform": "887954fd85187630",
    "zeros": "4e1540ab16c12221",
}


@pytest.mark.parametrize("name", sorted(INITIALIZERS))
def test_weights_are_pinned_to_the_bit(name: str) -> None:
    made = draw(name, (64, 64), seed=20, path="layer/weight")
    assert made.digest[:16] == PINNED[name]


def test_a_large_orthogonal_matrix_is_pinned_to_the_bit() -> None:
    made = draw("orthogonal", (257, 257), seed=1, path="layer/weight")
    assert made.digest[:16] == PINNED_LARGE


PINNED_LARGE = "a478bd1e6170af3c"


@pytest.mark.parametrize("seed_and_path", [(21, "layer/kernel"), (20, "layer/kernal")])
def test_another_seed_or_path_gives_other_numbers(seed_and_path: tuple[int, str]) -> None:
    one = Stream(20, "layer/kernel").uniform((64,))
    assert not np.isin(Stream(*seed_and_path).uniform((64,)), one).any()


def test_a_weight_does_not_depend_on_what_else_was_drawn() -> None:
    alone = draw("glorot_uniform", (5, 7), seed=3, path="b/kernel")
    draw("glorot_uniform", (5, 7), seed=3, path="a/kernel")
    assert draw("glorot_uniform", (5, 7), seed=3, path="b/kernel").digest == alone.digest


@pytest.mark.parametrize(
    ("name", "square"),
    [("glorot_uniform", 6 / (300 + 200)), ("he_uniform", 6 / 300), ("lecun_uniform", 3 / 300)],
)
def test_uniform_initializers_fill_keras_range(name: str, square: float) -> None:
    limit = square**0.5
    values = draw(name, (300, 200), seed=0, path="w", dtype="float64").read()
    assert np.abs(values).max() <= limit
    # 60,000 values leave a gap at the ends of a few 60,000ths.
    assert np.abs(values).max() > limit * (1 - 1e-3)
    # The mean of n uniforms has a standard deviation of limit / sqrt(3 n).
    assert abs(values.mean()) < 6 * limit / np.sqrt(3 * values.size)
    # So does their mean square of limit^2 / 3 * sqrt(4 / (5 n)).
    assert abs(values.var() - square / 3) < 6 * square / 3 * np.sqrt(4 / 5 / values.size)


def test_random_uniform_is_keras_default_of_embeddings() -> None:
    values = draw("uniform", (100, 40), seed=0, path="w").read()
    assert np.abs(values).max() <= np.float32(0.05)
    assert (values != 0).all()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 130])
def test_orthogonal_matrices_are_orthogonal(size: int) -> None:
    q = INITIALIZERS["orthogonal"](Stream(size, "r"), (size, size))
    # Each of ``size`` reflections rounds its row products of up to ``size`` terms.
    assert np.abs(q @ q.T - np.eye(size)).max() <= 8 * size * U * np.sqrt(size)


def test_orthogonal_matrices_favour_no_entry_and_no_orientation() -> None:
    made = np.stack([INITIALIZERS["orthogonal"](Stream(seed, "r"), (4, 4)) for seed in range(1000)])
    # Entries of a Haar matrix have mean 0 and variance 1/4, the determinant mean 0.
    deviation = 0.5 / np.sqrt(len(made))
    assert np.abs(made.mean(axis=0)).max() < 5 * deviation
    assert abs(np.linalg.det(made).mean()) < 5 / np.sqrt(len(made))


def test_sums_are_added_in_a_fixed_order() -> None:
    rows = Stream(0, "x").uniform((7, 3), -1, 1) * 10.0 ** np.arange(7)[:, None]
    a, b, c, d, e, f, g = rows
    np.testing.assert_array_equal(fixed_sum(rows), ((a + e) + (c + g)) + ((b + f) + d))


def test_uniforms_lie_on_the_grid_of_53_bits() -> None:
    values = Stream(1, "x").uniform((100,))
    assert all(Fraction(value) * 2**53 == int(Fraction(value) * 2**53) for value in values.tolist())
    assert (values >= 0).all()
    assert (values < 1).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_weights_are_rounded_once(dtype: str) -> None:
    wide = draw("glorot_uniform", (6, 5), seed=2, path="w", dtype="float64").read()
    made = draw("glorot_uniform", (6, 5), seed=2, path="w", dtype=dtype)
    assert made.dtype.name == dtype
    np.testing.assert_array_equal(made.read(), wide.astype(made.dtype))


def test_an_unknown_initializer_names_the_nearest() -> None:
    with pytest.raises(
        NetworkError, match=r"rnn/kernel.*'glorot_unifrm'.*Did you mean 'glorot_uniform'\?"
    ):
        draw("glorot_unifrm", (2, 2), seed=0, path="rnn/kernel")


def test_orthogonal_wants_a_square() -> None:
    with pytest.raises(NetworkError, match=r"a square matrix, got \(3, 2\)"):
        draw("orthogonal", (3, 2), seed=0, path="rnn/kernel")
