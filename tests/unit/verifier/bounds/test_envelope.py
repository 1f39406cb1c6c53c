"""The envelope: what a probe saw is covered, what is bad is not, and nothing widens its own bound."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnn_export.network import activation
from rnn_export.verifier.bounds.cell import Affine, Local
from rnn_export.verifier.bounds.chance import WALK
from rnn_export.verifier.bounds.envelope import (
    ABSOLUTE,
    LEAST,
    RELATIVE,
    Envelope,
    measured,
    summing,
)
from rnn_export.verifier.bounds.precision import UNITS, arithmetic
from rnn_export.verifier.bounds.products import SIGMAS

U = UNITS["float32"]
Z = np.linspace(-5, 5, 1001)


def test_a_probe_of_good_code_narrows_the_envelope() -> None:
    kind = activation("tanh")
    found = measured(kind, Z, kind(Z).astype(np.float32).astype(np.float64), U)
    assert found is not None
    assert found[0] < RELATIVE
    assert found[1] < ABSOLUTE


@pytest.mark.parametrize(
    "bad",
    [
        lambda value: value + 1e-4,
        lambda value: value * (1 + 1e-3),
        lambda value: np.where(Z > 4, np.nan, value),
        lambda value: np.clip(value, -0.9, 0.9),
    ],
)
def test_a_probe_never_widens_the_envelope_of_a_bad_activation(
    bad: Callable[[np.ndarray], np.ndarray],
) -> None:
    kind = activation("tanh")
    shown = bad(kind(Z))
    found = measured(kind, Z, shown, U)
    envelope = Envelope() if found is None else Envelope(((str(kind), *found),))
    allowed = envelope.of(kind, Z, kind(Z), U)
    assert (allowed <= Envelope().of(kind, Z, kind(Z), U)).all()
    assert not (np.abs(shown - kind(Z)) <= allowed).all()


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "gelu", "silu", "softplus", "exponential"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_a_measured_envelope_covers_what_the_probe_saw(name: str, dtype: str) -> None:
    kind, unit = activation(name), UNITS[dtype]
    rng = np.random.default_rng(0)
    z = rng.uniform(-8, 8, 3000)
    shown = kind(z) + unit * rng.uniform(-1.5, 1.5, 3000) * kind(z)
    found = measured(kind, z, shown, unit)
    assert found is not None
    envelope = Envelope(((str(kind), *found),))
    assert (np.abs(shown - kind(z)) <= envelope.of(kind, z, kind(z), unit)).all()


def test_what_an_activation_cuts_off_is_exact() -> None:
    for name, cut, edge in (
        ("relu", -1.0, 0.0),
        ("hard_shrink", 0.25, 0.0),
        ("soft_shrink", -0.25, 0.0),
        ("sparse_sigmoid", 3.0, 1.0),
        ("hard_sigmoid", -4.0, 0.0),
    ):
        kind, z = activation(name), np.array([cut])
        assert kind(z) == edge
        assert Envelope().of(kind, z, kind(z), U) == 0


def test_the_part_of_sums_is_that_of_the_size_it_was_measured_at() -> None:
    envelope = Envelope(sums=((5, 7, 0.5), (7, 7, 0.25)))
    assert [envelope.part(shape) for shape in ((5, 7), (7, 7), (7, 5))] == [0.5, 0.25, 1.0]


def test_sums_are_measured_with_a_margin_and_never_widen_their_own_bound() -> None:
    rng = np.random.default_rng(0)
    sigma = np.exp(rng.uniform(-3, 3, (40, 20, 16)))
    half = 0.5 * WALK * sigma * rng.standard_normal(sigma.shape)
    assert 0.5 < summing(half, sigma) < 0.65
    assert summing(0 * half, sigma) == LEAST
    assert summing(1e3 * half, sigma) == 1.0
    worse = half.copy()
    worse[..., 3] *= 1.6
    assert summing(worse, sigma) > 0.6
    assert summing(np.full_like(half, np.nan), sigma) == 1.0
    assert summing(half[:0], sigma[:0]) == 1.0


def local(kind: str, envelope: Envelope = Envelope(), *, cell: bool = True) -> Local:  # noqa: B008
    rng = np.random.default_rng(0)
    square = rng.standard_normal((7, 7)) if cell else None
    affine = Affine(rng.standard_normal((5, 7)), square, None, activation(kind))
    x, h = rng.standard_normal((4, 3, 5)), rng.uniform(-1, 1, (4, 3, 7))
    return Local(affine, x, h if cell else None, arithmetic("float32"), envelope)


def test_a_measured_part_scales_a_cells_bound_and_leaves_a_dense_layers() -> None:
    narrow = Envelope(sums=((5, 7, 0.5),))
    assert np.array_equal(local("linear", narrow).sigma, 0.5 * local("linear").sigma)
    plain = local("linear", cell=False)
    assert np.array_equal(local("linear", narrow, cell=False).sigma, plain.sigma)


def test_the_bound_of_a_linear_cell_is_seven_deviations_of_its_sum() -> None:
    made = local("linear")
    low, high = (1 - 2.0**-20) * SIGMAS * made.sigma, (1 + 2.0**-20) * SIGMAS * made.sigma
    assert ((low <= made.bound) & (made.bound <= high)).all()
    assert (made.bound < made.rigorous() + 2.0**-40).mean() > 0.9


def test_an_uncertain_input_widens_the_bound_by_what_it_can_do() -> None:
    sure, unsure = local("linear"), local("linear")
    unsure.x_error = np.full(unsure.x.shape, 1e-3)
    more = (unsure.x_error @ np.abs(unsure.affine.kernel)).reshape(unsure.z.shape)
    assert (np.abs(unsure.bound - sure.bound - more) <= 2.0**-48).all()
