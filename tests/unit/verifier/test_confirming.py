"""A suspected weight is confirmed by the errors' own sizes: faults are, chance is not, however uneven the errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnn_export.network import Network
from rnn_export.verifier.confirming import confirmed
from rnn_export.verifier.regression import Suspect, regress
from rnn_export.verifier.trail import Shown, Tread
from rnn_export.verifier.walk import walk
from tests.unit.verifier.showing import altered, feeds, first_cell, network, observe

FEATURES, UNITS = 32, 64


def tread_of(net: Network, shown: Network) -> Tread:
    """Return what ``net`` makes of the states of ``shown``."""
    given = feeds(net, batch=8, time=100)
    seen = observe(shown, given)
    assert seen.tapped is not None
    (tread,) = walk(net, given, Shown(seen.tapped, seen.cells)).treads
    return tread


def suspects(tread: Tread) -> list[Suspect]:
    return [
        Suspect(tread.case.path, "bias", None, unit, 1e-7, 8.0, 1)
        for unit in range(tread.local.z.shape[-1])
    ]


@pytest.mark.parametrize("kind", ["tanh", "relu", "softplus", "hard_shrink", "sparse_sigmoid"])
def test_right_weights_are_not_confirmed_in_any_unit(kind: str) -> None:
    net = network((UNITS,), features=FEATURES, kind=kind, emits=("sequence",))
    tread = tread_of(net, net)
    assert not any(confirmed(tread, item) for item in suspects(tread))


@pytest.mark.parametrize("seed", range(3))
def test_one_weight_off_by_1e_7_is_confirmed_in_its_unit_alone(seed: int) -> None:
    net = network((UNITS,), features=FEATURES, seed=seed, emits=("sequence",))
    values = first_cell(net).recurrent_kernel.read().copy()
    values[11, 5] += np.float32(1e-7)
    tread = tread_of(net, altered(net, "rnn0", recurrent_kernel=values))
    suspect = regress(tread.case, tread.steps, tread.local)
    assert suspect is not None
    assert suspect.column == 5
    assert confirmed(tread, suspect)
    assert not any(confirmed(tread, item) for item in suspects(tread) if item.column != 5)


def test_errors_of_very_uneven_sizes_are_no_direction() -> None:
    """A hundredth of the steps err a thousand times as much: one scale for all of them would cry wolf."""
    net = network((UNITS,), features=FEATURES, emits=("sequence",))
    tread = tread_of(net, net)
    rng = np.random.default_rng(0)
    error = 1e-8 * rng.standard_normal(tread.steps.after.shape)
    error[rng.random(error.shape) < 0.01] *= 1000
    steps = replace(tread.steps, after=tread.local.value + error)
    uneven = replace(tread, steps=steps)
    assert not any(confirmed(uneven, item) for item in suspects(uneven))
