"""The oracle's own audit: the float64 reference against itself in another order of summation.

A verdict rests on the reference. Where two right ways of computing it part company, it says nothing either:
that is its horizon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnn_export.builders.reference import evaluate, run
from rnn_export.builders.reference.feeds import bind
from rnn_export.network import Call, Network
from rnn_export.network.ops import Dense, Recurrent
from rnn_export.verifier.bounds.cell import Affine
from rnn_export.verifier.estimate import Estimate
from rnn_export.verifier.horizon import reach
from rnn_export.verifier.order import Order, emit


@dataclass(frozen=True)
class Audit:
    """What came of it.

    Args:
        disagreement: the largest difference between the two orders, over all outputs and steps that are
            within the horizon.
        steps: steps along time, the least of all rows and outputs, after which they have parted; None
            where they never do.
    """

    disagreement: float
    steps: int | None


def audit(network: Network, feeds: Mapping[str, np.ndarray]) -> Audit:
    """Return how far the oracle agrees with itself on these feeds.

    Raises:
        NetworkError: feeds that do not fit the network.
    """
    with np.errstate(all="ignore"):
        one, other = run(network, feeds, np.float64), other_order(network, feeds)
        away, steps = 0.0, []
        for port in network.outputs:
            a, b = one[port.name], other[port.name]
            if a.dtype.kind != "f":
                continue
            apart = np.nan_to_num(np.abs(a - b))
            among, count = reach(Estimate(a, apart), network.spec(port.tensor).dtype)
            kept = apart if among is None else np.where(among, apart, 0.0)
            away = max(away, float(kept.max(initial=0.0)))
            steps += [] if count is None else [count]
    return Audit(away, min(steps, default=None))


def other_order(network: Network, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the outputs in float64, every sum over features and units taken from its other end, bias first.

    Raises:
        NetworkError: feeds that do not fit the network.
    """
    values = dict(bind(network, feeds, np.dtype(np.float64)))
    for call in network.calls:
        inputs = [values[tensor] for tensor in call.inputs]
        mask = None if call.mask is None else values[call.mask]
        initial = [values[tensor] for tensor in call.initial]
        if isinstance(call.op, Recurrent):
            made = _recurrent(call, call.op, inputs[0], mask, initial)
        elif isinstance(call.op, Dense):
            affine = Affine.of(call.op, call.dtype)
            made = (affine.activation(_driven(affine, inputs[0])),)
        else:
            made = evaluate(call, inputs, mask, initial, np.float64)
        values.update(zip(call.outputs, made, strict=True))
    return {port.name: values[port.tensor] for port in network.outputs}


def _driven(affine: Affine, x: np.ndarray) -> np.ndarray:
    turned = x[..., ::-1] @ affine.kernel[::-1]
    return np.asarray(turned if affine.bias is None else affine.bias + turned)


def _recurrent(
    call: Call, op: Recurrent, x: np.ndarray, mask: np.ndarray | None, initial: list[np.ndarray]
) -> tuple[np.ndarray, ...]:
    order = Order.of(x.shape[0], x.shape[1], mask, op.go_backwards)
    below = order.process(x)
    starts = initial or [np.zeros((order.batch, cell.units)) for cell in op.cells]
    states = []
    for cell, h in zip(op.cells, starts, strict=True):
        affine = Affine.of(cell, call.dtype)
        assert affine.recurrent is not None
        driven, turned = _driven(affine, below), affine.recurrent[::-1]
        made = np.empty((order.time, order.batch, cell.units))
        for k in range(order.time):
            new = affine.activation(h[:, ::-1] @ turned + driven[k])
            h = new if order.active is None else np.where(order.active[k, :, None], new, h)
            made[k] = h
        states.append(made)
        below = made
    return emit(op, states, starts, order)
