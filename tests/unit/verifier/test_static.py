"""The static check alone: what it makes of files that hold anything."""

from __future__ import annotations

import numpy as np

from rnn_export.verifier.static import check_weights
from tests.unit.verifier.showing import network


def test_infinite_and_huge_numbers_in_a_file_end_in_no_warning() -> None:
    net = network()
    stored = {path: weight.read().copy() for path, weight in net.weights()}
    assert not check_weights(net, stored).faults
    for path, values in stored.items():
        for number in (np.inf, np.nan, 3e38):
            spoilt = values.copy()
            spoilt.flat[1] = number
            assert check_weights(net, {**stored, path: spoilt}).faults, (path, number)
    sums = np.full((1, 14), 3e38, np.float32)
    assert not check_weights(net, {**stored, "B": sums}).faults


def test_two_numbers_that_are_near_a_bias_by_chance_are_no_fault() -> None:
    # Drawn by scripts/random_models.py --seed 401: a row of one layer's kernel beside another's bias.
    net = network((2,))
    (path,) = [path for path, _ in net.weights() if path.endswith("bias")]
    bias = dict(net.weights())[path].read()
    stored = {name: weight.read() for name, weight in net.weights()}
    other = np.stack([bias * np.float32(1.002), bias[::-1]])
    assert not check_weights(net, {**stored, "other/W": other}).faults
