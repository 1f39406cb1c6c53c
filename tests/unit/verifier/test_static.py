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
