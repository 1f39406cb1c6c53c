"""The yardstick of the contract suite: its bound notices what it should, and its loop is the network's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.runtimes import small_models as small


@pytest.mark.parametrize("name", ["kernel", "recurrent", "bias"])
def test_one_weight_off_by_1e_4_leaves_the_bound(name: str) -> None:
    weights, feeds = small.make_weights(), small.make_feeds()
    states, bounds = small.loop(weights, feeds)
    array = getattr(weights, name).copy()
    array.flat[0] += 1e-4
    changed, _ = small.loop(replace(weights, **{name: array}), feeds)
    assert (np.abs(changed - states) > bounds).any()


def test_float32_arithmetic_stays_within_the_bound() -> None:
    weights, feeds = small.make_weights(), small.make_feeds(4, 50)
    states, bounds = small.loop(weights, feeds)
    state = feeds["h0"]
    for step in range(50):
        state = np.tanh(
            feeds["x"][:, step] @ weights.kernel + state @ weights.recurrent + weights.bias
        )
        assert state.dtype == np.float32
        assert (np.abs(state - states[:, step]) <= bounds[:, step]).all()
    # ... and is not so wide that it says nothing: its limit is a few hundred units in the last place.
    assert bounds.max() < 1e-5
