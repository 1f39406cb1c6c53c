"""The global bound of a recurrent call that does not show its states: rounding errors sampled as they travel.

An ensemble of float64 runs, each with random errors of the modelled size at every step, estimates the
diagonal of the covariance C_t = L R' C_{t-1} R L + diag(...) of the error without ever forming it. It costs
MEMBERS plain runs where the covariance itself costs `units` of them, follows masks, stacks, branches and
both directions, and sees a chaotic network leave its horizon. Source: Parker, Monte Carlo Arithmetic (1997).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from rnn_export.builders.reference import evaluate
from rnn_export.network import Call
from rnn_export.network.ops import Recurrent
from rnn_export.verifier.bounds.cell import Affine, Local
from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.bounds.precision import Arithmetic
from rnn_export.verifier.estimate import MEMBERS, Estimate, signs, stacked, travelled
from rnn_export.verifier.order import Order, emit


@dataclass(frozen=True)
class Run:
    """One cell's run over time in the order of processing.

    Args:
        value: states (time, batch, units), held at masked steps.
        before: the states they came from.
        members: (MEMBERS, time, batch, units).
        bound: of |runtime's state - value|.
    """

    value: np.ndarray
    before: np.ndarray
    members: np.ndarray
    bound: np.ndarray


def sample(
    call: Call,
    x: Estimate,
    initial: Sequence[Estimate],
    order: Order,
    arithmetic: Arithmetic,
    envelope: Envelope,
    rng: np.random.Generator,
    *,
    leading_state: bool = False,
) -> tuple[list[Run], tuple[Estimate, ...]]:
    """Return every cell's run, and the call's outputs.

    Args:
        call: a Recurrent call.
        x: (batch, time, features).
        initial: of each cell, (batch, units).
        order: the call's.
        arithmetic, envelope: of the runtime.
        rng: for the errors.
        leading_state: as for `emit`.
    """
    op = call.op
    assert isinstance(op, Recurrent)
    below = order.process(x.value)
    below_members = None
    if x.members is not None:
        below_members = np.stack([order.process(member) for member in x.members])
    runs: list[Run] = []
    for item, start in zip(op.cells, initial, strict=True):
        affine = Affine.of(item, call.dtype)
        value, before = plain(affine, below, start.value, order)
        local = Local(affine, below, before, arithmetic, envelope)
        members, clean = _noisy(affine, local, below_members, start, order, rng)
        bound = local.bound + travelled(clean, value)
        if order.active is not None:
            bound = order.spread(order.compact(bound), start.error)
        runs.append(Run(value, before, members, bound))
        below, below_members = value, members
    shown = partial(emit, op, order=order, leading_state=leading_state)
    firsts = [start.value for start in initial]
    if leading_state:
        values = shown([run.value for run in runs], firsts)
    else:
        values = evaluate(call, [x.value], order.mask, firsts, np.float64)
    bounds = shown([run.bound for run in runs], [start.error for start in initial])
    many = [
        shown(
            [run.members[k] for run in runs],
            [start.value if start.members is None else start.members[k] for start in initial],
        )
        for k in range(MEMBERS)
    ]
    made = tuple(
        Estimate(value, bound, np.stack([member[at] for member in many]), hidden=True)
        for at, (value, bound) in enumerate(zip(values, bounds, strict=True))
    )
    return runs, made


def plain(
    affine: Affine, x: np.ndarray, start: np.ndarray, order: Order
) -> tuple[np.ndarray, np.ndarray]:
    """Return states and previous states of the float64 run."""
    assert affine.recurrent is not None
    units = affine.recurrent.shape[0]
    value = np.empty((order.time, order.batch, units))
    before = np.empty_like(value)
    driven = x @ affine.kernel
    if affine.bias is not None:
        driven = driven + affine.bias
    h = start
    for k in range(order.time):
        before[k] = h
        new = affine.activation(driven[k] + h @ affine.recurrent)
        h = new if order.active is None else np.where(order.active[k, :, None], new, h)
        value[k] = h
    return value, before


def _noisy(
    affine: Affine,
    local: Local,
    x: np.ndarray | None,
    start: Estimate,
    order: Order,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the members' states, and the same before each step's own error was added.

    The error of z has the modelled deviation; that of the activation lies within its envelope, and half of
    it keeps its sign for a unit all along, since the same code errs the same way at the same place.
    """
    assert affine.recurrent is not None
    driven = local.x @ affine.kernel if x is None else x @ affine.kernel
    if affine.bias is not None:
        driven = driven + affine.bias
    units = affine.recurrent.shape[0]
    shape = (MEMBERS, order.time, order.batch, units)
    after, clean = np.empty(shape), np.empty(shape)
    sigma, margin = local.sigma, local.margin / np.sqrt(3)
    lasting = signs(rng, (MEMBERS, 1, units))
    h = stacked(start).reshape(MEMBERS, order.batch, units)
    for k in range(order.time):
        step = driven[k] if x is None else driven[:, k]
        back = (h.reshape(-1, units) @ affine.recurrent).reshape(h.shape)
        z = step + back
        error = signs(rng, (2, *z.shape))
        clean[:, k] = affine.activation(z)
        slope_side = affine.activation(z + sigma[k] * error[0])
        new = slope_side + margin[k] * (error[1] + lasting) * np.sqrt(0.5)
        h = new if order.active is None else np.where(order.active[k, :, None], new, h)
        after[:, k] = h
    return after, clean
