"""The bounds on a sum hold for every order of summation, and are not wider than they must be."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.network.dtypes import numpy_dtype
from rnn_export.verifier.bounds import products
from rnn_export.verifier.bounds.chance import WALK, exceeded
from rnn_export.verifier.bounds.precision import UNITS, arithmetic

U = UNITS["float32"]


def sums(rng: np.random.Generator, features: int, rows: int = 60) -> tuple[np.ndarray, ...]:
    x = rng.standard_normal((rows, features)).astype(np.float32)
    w = rng.standard_normal((features, 9)).astype(np.float32)
    b = rng.standard_normal(9).astype(np.float32)
    return x, w, b


def one_by_one(x: np.ndarray, w: np.ndarray, b: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return x w + b in float32, every product and sum rounded, in the order given."""
    total = np.zeros((len(x), w.shape[1]), np.float32)
    for at in order:
        total = total + x[:, at : at + 1] * w[at]
    return np.asarray(total + b)


@pytest.mark.parametrize("features", [1, 7, 64, 300])
def test_no_order_of_summation_leaves_the_rigorous_bound(features: int) -> None:
    rng = np.random.default_rng(features)
    x, w, b = sums(rng, features)
    wide = [item.astype(np.float64) for item in (x, w, b)]
    terms, bias = [(wide[0], wide[1])], wide[2]
    exact = products.total(terms, bias)
    bound = products.rigorous(terms, bias, arithmetic("float32"))
    ordered = np.argsort(np.abs(w).sum(axis=1))
    for order in (np.arange(features), rng.permutation(features), ordered, ordered[::-1]):
        assert (np.abs(one_by_one(x, w, b, order) - exact) <= bound).all()
    assert (np.abs((x @ w + b) - exact) <= bound).all()


def test_the_rigorous_bound_is_reached_to_a_half() -> None:
    """Numbers just above a half and sums that round the same way each time: it could not be half as wide."""
    terms = 40
    x = np.ones((1, terms), np.float32)
    w = np.full((terms, 1), 1 + 2.0**-23, np.float32)
    w[0] = 2.0**24
    shown = one_by_one(x, w, np.zeros(1, np.float32), np.arange(terms))
    exact = products.total([(x.astype(np.float64), w.astype(np.float64))], None)
    bound = products.rigorous(
        [(x.astype(np.float64), w.astype(np.float64))], None, arithmetic("float32")
    )
    assert bound / 2.5 <= np.abs(shown - exact) <= bound


@pytest.mark.parametrize("features", [7, 64, 300])
def test_the_probabilistic_bound_holds_and_is_far_tighter(features: int) -> None:
    rng = np.random.default_rng(features)
    x, w, b = sums(rng, features, rows=2000)
    wide = [item.astype(np.float64) for item in (x, w, b)]
    terms, bias = [(wide[0], wide[1])], wide[2]
    exact = products.total(terms, bias)
    sigma = products.deviation(terms, bias, exact, arithmetic("float32"))
    error = np.abs(one_by_one(x, w, b, np.arange(features)) - exact)
    assert (error <= products.SIGMAS * sigma).all()
    # A bound a tenth as wide is passed by the hundred: it is the width that holds.
    assert (error > products.SIGMAS / 10 * sigma).sum() > 100
    if features >= 64:
        rigorous = products.rigorous(terms, bias, arithmetic("float32"))
        assert (products.SIGMAS * sigma < rigorous).mean() > 0.99


def test_the_chance_of_passing_the_bound_is_what_is_said() -> None:
    """40,000 sums from one end to the other: how often they pass 1 to 3 deviations, and their mean square."""
    rng = np.random.default_rng(0)
    count, terms = 40_000, 48
    x = rng.standard_normal((count, terms)).astype(np.float32)
    w = rng.standard_normal(terms).astype(np.float32)
    shown = np.zeros(count, np.float32)
    for at in range(terms):
        # Fused: the product is exact, and one rounding a step is what the chance is worked out for.
        shown = (shown + x[:, at].astype(np.float64) * w[at]).astype(np.float32)
    wide = x.astype(np.float64), w.astype(np.float64)[:, None]
    exact = products.total([wide], None)[:, 0]
    sigma = products.deviation([wide], None, exact[:, None], arithmetic("float32"))[:, 0]
    ratio = np.abs(shown - exact) / sigma
    assert 0.7 * WALK < np.sqrt(np.mean(np.square(ratio))) < WALK
    power = np.sqrt(np.square(wide[0]) @ np.square(wide[1]))[:, 0]
    places = np.abs(exact) / power
    for deviations in (1.0, 2.0, 3.0):
        chances = [exceeded(deviations, z) for z in (0.25, 0.75, 1.5, 2.5)]
        for (low, high), chance in zip(((0, 0.5), (0.5, 1), (1, 2), (2, 3)), chances, strict=True):
            there = (places >= low) & (places < high)
            passed = int((ratio[there] > deviations).sum())
            expected = chance * int(there.sum())
            # Poisson counts: no more than foretold, four deviations allowed for.
            assert passed <= expected + 4 * np.sqrt(expected + 1)


def test_the_chance_at_the_bound_is_below_5_in_10_to_the_10() -> None:
    at = [exceeded(products.SIGMAS, z) for z in np.linspace(0, 6, 25)]
    assert 1e-10 < max(at) < 5e-10
    # Six deviations, which a normal tail would pass twice in 10^9, are passed ten times.
    assert max(exceeded(6.0, z) for z in (0.5, 0.75, 1.0)) > 5e-9


def test_a_sum_longer_than_the_unit_allows_has_no_rigorous_bound() -> None:
    assert products.gamma(300, arithmetic("bfloat16")) == np.inf
    assert products.gamma(300, arithmetic("float32")) < 301 * U * (1 + 2.0**-10)


def test_coarser_operands_widen_the_bound_as_much_as_they_err() -> None:
    rng = np.random.default_rng(0)
    x, w, b = (item.astype(np.float64) for item in sums(rng, 64, rows=500))

    def cut(values: np.ndarray) -> np.ndarray:
        bits = values.astype(np.float32).view(np.uint32) + np.uint32(0x1000)
        return (bits & np.uint32(0xFFFFE000)).view(np.float32).astype(np.float64)

    exact = products.total([(x, w)], b)
    coarse = products.total([(cut(x), cut(w))], b)
    sigma = products.deviation([(x, w)], b, exact, arithmetic("float32", "tf32"))
    ratio = np.abs(coarse - exact) / sigma
    assert 1 < ratio.max() <= products.SIGMAS
    fine = products.deviation([(x, w)], b, exact, arithmetic("float32"))
    assert (np.abs(coarse - exact) > products.SIGMAS * fine).any()


@pytest.mark.parametrize("dtype", UNITS)
def test_a_unit_is_half_the_distance_from_one_to_the_next_number(dtype: str) -> None:
    if dtype == "tf32":
        assert UNITS[dtype] == 2.0**-11  # Ten bits and the hidden one.
        return
    kind = numpy_dtype(dtype)
    one = np.ones((), kind)
    # Of the numbers above 1, the unit itself is lost and a little more is not.
    assert (np.array(1 + UNITS[dtype], np.float64)).astype(kind) == one
    if dtype != "float64":
        assert np.array(1 + 1.5 * UNITS[dtype], np.float64).astype(kind) > one
