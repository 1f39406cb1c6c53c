"""The bounds hold for every order of summation and every activation, and are not wider than they must be."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.network import FUNCTIONS, Activation, activation
from rnn_export.verifier.bounds import products
from rnn_export.verifier.bounds.activation import change
from rnn_export.verifier.bounds.calibrating import fitted
from rnn_export.verifier.bounds.cell import Affine, Local
from rnn_export.verifier.bounds.envelope import ABSOLUTE, RELATIVE, Envelope, measured
from rnn_export.verifier.bounds.precision import UNITS, Arithmetic, arithmetic

U = UNITS["float32"]
SCALARS = sorted(name for name, item in FUNCTIONS.items() if not item.vector)


@pytest.mark.parametrize("name", SCALARS)
def test_no_point_of_the_interval_moves_an_activation_further_than_its_change(name: str) -> None:
    kind = activation(name)
    rng = np.random.default_rng(0)
    z = rng.uniform(-4, 4, 400)
    delta = 10.0 ** rng.uniform(-7, 0, 400)
    most = change(kind, z, kind(z), delta)
    within = z + delta * np.linspace(-1, 1, 801)[:, None]
    moved = np.abs(kind(within) - kind(z))
    assert (moved <= most * (1 + 2.0**-40) + 2.0**-50).all()


@pytest.mark.parametrize("name", ["silu", "gelu", "mish", "hard_silu", "threshold", "hard_shrink"])
def test_a_turn_inside_the_interval_counts(name: str) -> None:
    kind = activation(name)
    for turn in kind.turns():
        z, delta = np.array([turn + 0.01]), np.array([0.02])
        ends = np.maximum(np.abs(kind(z + delta) - kind(z)), np.abs(kind(z - delta) - kind(z)))
        assert change(kind, z, kind(z), delta) >= ends
        at = kind(np.nextafter(turn, [-np.inf, np.inf]))
        assert change(kind, z, kind(z), delta) >= np.abs(at - kind(z)).max()


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "sparsemax"])
def test_a_row_moves_no_further_than_its_change(name: str) -> None:
    kind = activation(name)
    rng = np.random.default_rng(1)
    z = rng.standard_normal((50, 6))
    delta = np.full_like(z, 1e-3)
    most = change(kind, z, kind(z), delta)
    for _ in range(200):
        moved = kind(z + delta * rng.choice([-1.0, 1.0], z.shape))
        assert (np.abs(moved - kind(z)) <= most + 2.0**-50).all()


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
    return total + b


@pytest.mark.parametrize("features", [1, 7, 64, 300])
def test_no_order_of_summation_leaves_the_rigorous_bound(features: int) -> None:
    rng = np.random.default_rng(features)
    x, w, b = sums(rng, features)
    wide = [item.astype(np.float64) for item in (x, w, b)]
    terms, bias = [(wide[0], wide[1])], wide[2]
    exact = products.total(terms, bias)
    bound = products.rigorous(terms, bias, arithmetic("float32"))
    for order in (np.arange(features), np.arange(features)[::-1], rng.permutation(features)):
        assert (np.abs(one_by_one(x, w, b, order) - exact) <= bound).all()
    assert (np.abs((x @ w + b) - exact) <= bound).all()


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
    assert np.median(error / sigma) > 0.1
    if features >= 64:
        rigorous = products.rigorous(terms, bias, arithmetic("float32"))
        assert (products.SIGMAS * sigma < rigorous).mean() > 0.99


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
    assert ratio.max() <= products.SIGMAS
    assert ratio.max() > 1
    fine = products.deviation([(x, w)], b, exact, arithmetic("float32"))
    assert (np.abs(coarse - exact) > products.SIGMAS * fine).any()


@pytest.mark.parametrize("dtype", UNITS)
def test_a_unit_is_half_the_distance_from_one_to_the_next_number(dtype: str) -> None:
    import ml_dtypes

    eps = {"bfloat16": ml_dtypes.finfo("bfloat16").eps, "tf32": 2.0**-10}
    own = eps[dtype] if dtype in eps else np.finfo(dtype).eps
    assert UNITS[dtype] == float(own) / 2


def test_a_probe_never_widens_the_envelope_of_a_bad_activation() -> None:
    kind = activation("tanh")
    z = np.linspace(-5, 5, 1001)
    good = kind(z).astype(np.float32).astype(np.float64)
    found = measured(kind, z, good)
    assert found is not None
    relative, absolute = found
    assert relative < RELATIVE
    assert absolute < ABSOLUTE
    assert measured(kind, z, kind(z) + 1e-4) is None
    assert measured(kind, z, np.where(z > 4, np.nan, good)) is None


def test_a_measured_envelope_covers_what_the_probe_saw() -> None:
    kind = activation("sigmoid")
    rng = np.random.default_rng(0)
    z = rng.uniform(-8, 8, 3000)
    shown = kind(z) + U * rng.uniform(-1.5, 1.5, 3000) * kind(z)
    found = measured(kind, z, shown)
    assert found is not None
    envelope = Envelope(((str(kind), *found),))
    assert (np.abs(shown - kind(z)) <= envelope.of(kind, z, kind(z), U)).all()


def test_calibration_narrows_the_bound_of_good_code_and_never_widens_any() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((100, 8, 16))
    small = np.abs(rng.standard_normal(z.shape)) / 20
    part = fitted(small, z, None)
    assert np.max(part) < 0.6
    assert (small <= part).all()
    assert np.max(fitted(small * 1000, z, None)) == 1.0


def test_a_rare_error_does_not_widen_its_own_bound() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((100, 8, 16))
    ratio = np.abs(rng.standard_normal(z.shape)) / 20
    ratio[50, 3, 2] = 0.9
    part = np.broadcast_to(fitted(ratio, z, None), z.shape)
    assert part[50, 3, 2] < 0.9


def test_a_fault_in_one_unit_gets_the_models_bound_and_no_more() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((100, 8, 16))
    ratio = np.abs(rng.standard_normal(z.shape)) / 20
    ratio[:, :, 5] += 3.0
    part = np.broadcast_to(fitted(ratio, z, None), z.shape)
    assert part[:, :, 5].max() <= 1.0
    assert part[:, :, :5].max() < 0.8


def test_few_samples_leave_the_model_as_it_is() -> None:
    assert fitted(np.zeros((3, 2, 4)), np.zeros((3, 2, 4)), None) == 1.0


def local(kind: Activation, arithmetic_: Arithmetic) -> Local:
    rng = np.random.default_rng(0)
    affine = Affine(rng.standard_normal((5, 7)), rng.standard_normal((7, 7)), None, kind)
    return Local(
        affine,
        rng.standard_normal((4, 3, 5)),
        rng.uniform(-1, 1, (4, 3, 7)),
        arithmetic_,
        Envelope(),
    )


def test_an_uncertain_input_widens_the_bound_by_what_it_can_do() -> None:
    sure = local(activation("linear"), arithmetic("float32"))
    unsure = local(activation("linear"), arithmetic("float32"))
    unsure.x_error = np.full(unsure.x.shape, 1e-3)
    more = (unsure.x_error @ np.abs(unsure.affine.kernel)).reshape(unsure.z.shape)
    assert np.allclose(unsure.bound - sure.bound, more, rtol=2.0**-30, atol=0)
