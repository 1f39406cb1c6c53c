"""No argument within delta moves an activation further than its change says, and none of them much less."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.network import FUNCTIONS, activation
from rnn_export.verifier.bounds.activation import change

SCALARS = sorted(name for name, item in FUNCTIONS.items() if not item.vector)
VECTORS = sorted(name for name, item in FUNCTIONS.items() if item.vector)
OWN = 2.0**-48
"""Rounding of the float64 activations themselves, of numbers up to 60."""


@pytest.mark.parametrize("name", SCALARS)
def test_no_point_of_the_interval_moves_an_activation_further(name: str) -> None:
    kind = activation(name)
    rng = np.random.default_rng(0)
    z = rng.uniform(-4, 4, 400)
    delta = 10.0 ** rng.uniform(-7, 0, 400)
    most = change(kind, z, kind(z), delta)
    within = z + delta * np.linspace(-1, 1, 801)[:, None]
    moved = np.abs(kind(within) - kind(z))
    assert (moved <= most + OWN).all()
    # And some point moves it nearly as far: jumps aside, to a part of the grid's own step.
    assert (moved.max(axis=0) >= 0.99 * most - OWN).mean() > 0.98


@pytest.mark.parametrize("name", ["silu", "gelu", "mish", "hard_silu", "threshold", "hard_shrink"])
def test_a_turn_inside_the_interval_counts(name: str) -> None:
    kind = activation(name)
    assert kind.turns()
    for turn in kind.turns():
        z, delta = np.array([turn + 0.01]), np.array([0.02])
        most = change(kind, z, kind(z), delta)
        ends = np.maximum(np.abs(kind(z + delta) - kind(z)), np.abs(kind(z - delta) - kind(z)))
        assert most >= ends
        for side in (np.nextafter(turn, -np.inf), turn, np.nextafter(turn, np.inf)):
            assert most >= np.abs(kind(np.array([side])) - kind(z))


@pytest.mark.parametrize("delta", [1e-6, 1e-3, 0.05, 1.0])
@pytest.mark.parametrize("name", VECTORS)
def test_a_row_moves_no_further_than_its_change(name: str, delta: float) -> None:
    kind = activation(name)
    rng = np.random.default_rng(1)
    z = rng.standard_normal((300, 6))
    most = change(kind, z, kind(z), np.full_like(z, delta))
    worst = np.zeros_like(z)
    for _ in range(200):
        moved = kind(z + delta * rng.uniform(-1, 1, z.shape))
        worst = np.maximum(worst, np.abs(moved - kind(z)))
        moved = kind(z + delta * rng.choice([-1.0, 1.0], z.shape))
        worst = np.maximum(worst, np.abs(moved - kind(z)))
    assert (worst <= most + OWN).all()
    # Nor many times more, in the middle of all elements that move at all.
    moved_at_all = worst > OWN
    assert np.median(most[moved_at_all] / worst[moved_at_all]) < 6


def test_a_support_that_may_change_counts() -> None:
    """Keras' sparsemax jumps where its support grows: 1 and 0 are then both right."""
    kind = activation("sparsemax")
    z = np.array([[1.0, 1e-9, -5.0]])
    near = np.array([[1.0, -1e-9, -5.0]])
    jump = np.abs(kind(z) - kind(near)).max()
    assert jump > 0.4
    assert change(kind, z, kind(z), np.full_like(z, 1e-8)).max() >= jump
    assert change(kind, z, kind(z), np.full_like(z, 1e-11)).max() < 1e-9
