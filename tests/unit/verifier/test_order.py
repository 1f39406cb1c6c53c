"""The order of processing: what the verifier makes of masks and directions is what the reference makes of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from rnn_export.builders.reference import evaluate
from rnn_export.network import Call
from rnn_export.network.ops import Recurrent
from rnn_export.verifier.bounds.cell import Affine
from rnn_export.verifier.order import Order, emit
from rnn_export.verifier.sampling import plain
from tests.unit.verifier.showing import cell

BATCH, TIME, FEATURES = 4, 9, 5


@pytest.mark.parametrize(
    ("back", "turned", "zero", "masked"), list(product([False, True], repeat=4))
)
def test_outputs_emitted_from_states_are_those_of_the_reference(
    back: bool, turned: bool, zero: bool, masked: bool
) -> None:
    rng = np.random.default_rng(0)
    cells = (cell(FEATURES, 7, 0, "one"), cell(7, 3, 1, "two"))
    op = Recurrent(cells, ("sequence", "output", "state"), back, turned, zero)
    call = Call("rnn#0", op, (), ())
    x = rng.standard_normal((BATCH, TIME, FEATURES))
    starts = [rng.standard_normal((BATCH, 7)), rng.standard_normal((BATCH, 3))]
    mask = rng.random((BATCH, TIME)) < 0.6 if masked else None
    if mask is not None:
        mask[0] = False
        mask[1, :3] = False
    order = Order.of(BATCH, TIME, mask, back)
    below, states = order.process(x), []
    for item, start in zip(cells, starts, strict=True):
        below, _ = plain(Affine.of(item, "float32"), below, start, order)
        states.append(below)
    wanted = evaluate(call, [x], mask, starts, np.float64)
    for got, right in zip(emit(op, states, starts, order), wanted, strict=True):
        assert np.abs(got - right).max() <= 2.0**-44
        assert np.array_equal(got == 0, right == 0)


def test_compact_and_spread_undo_each_other() -> None:
    rng = np.random.default_rng(1)
    mask = rng.random((BATCH, TIME)) < 0.5
    mask[0] = False
    for back in (False, True):
        order = Order.of(BATCH, TIME, mask, back)
        steps = rng.standard_normal((TIME, BATCH, 3))
        held = order.spread(order.compact(steps), np.zeros((BATCH, 3)))
        assert np.array_equal(held[order.active], steps[order.active])
        assert order.mask is not None
        assert np.array_equal(order.mask, mask)
        assert np.array_equal(order.count, mask.sum(axis=1))


def test_instants_are_the_networks_time_indices() -> None:
    mask = np.array([[True, False, True, True]])
    forward, back = Order.of(1, 4, mask, False), Order.of(1, 4, mask, True)
    assert [forward.valid_instant(k, 0) for k in range(3)] == [0, 2, 3]
    assert [back.valid_instant(k, 0) for k in range(3)] == [3, 2, 0]
    assert [back.instant(k) for k in range(4)] == [3, 2, 1, 0]
