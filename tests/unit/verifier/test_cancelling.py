"""Keras' squareplus adds z to a root as large as z: below 0 it is off by a rounding of z, which is no fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnn_export.verifier import Outcome, judge
from tests.unit.verifier.showing import feeds, first_cell, network, observe


def test_a_rounding_of_the_argument_is_no_fault_of_squareplus_and_more_is() -> None:
    net = network(kind="squareplus", emits=("sequence",))
    given = {name: 1e4 * values for name, values in feeds(net, time=1).items()}
    seen = observe(net, given)
    assert judge(net, seen).outcome != Outcome.FAIL
    cell = first_cell(net)
    assert cell.bias is not None
    z = given["x"][:, 0].astype(np.float64) @ cell.kernel.read() + cell.bias.read()
    naive = (0.5 * (np.float32(z) + np.sqrt(np.float32(z) ** 2 + np.float32(4)))).astype(np.float32)
    (name,) = seen.shipped
    exact = seen.shipped[name][:, 0]
    assert (np.abs(naive - exact) > 1e3 * np.spacing(np.abs(exact))).any()
    for factor, outcome in ((1, False), (20, True)):
        shown = (exact + factor * (naive - exact))[:, None]
        wrong = replace(seen, shipped={name: shown}, tapped=None, cells=())
        assert (judge(net, wrong).outcome == Outcome.FAIL) is outcome, factor
