"""Which weights a set of inputs exercises, and which attributes of the network it would show to be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rnn_export.builders.reference import run
from rnn_export.network import Call, Network, activation
from rnn_export.network.ops import Embedding, Recurrent
from rnn_export.verifier.bounds.cell import slopes
from rnn_export.verifier.bounds.products import SIGMAS
from rnn_export.verifier.rehearsal import Part, Rehearsal

NUDGE = 1e-3
"""A weight counts as exercised if a change of this part of its matrix' root mean square would be seen."""

SEEN = 7.0
"""...by a t statistic beyond this, the one at which the defect regression speaks."""


def coverage(network: Network, rehearsal: Rehearsal) -> float:
    """Return the part of all weight entries, 0 to 1, that the inputs of a rehearsal exercise."""
    seen, total = 0, 0
    for part in rehearsal.parts:
        found = exercised(part)
        seen, total = seen + int(found.sum()), total + found.size
    for call in network.calls:
        if isinstance(call.op, Embedding):
            tokens, features = call.op.table.shape
            seen += features * len(rehearsal.rows[call.path])
            total += features * tokens
    return seen / total if total else 1.0


def exercised(part: Part) -> np.ndarray:
    """Return which entries of [kernel; recurrent; bias] a nudge would show at, bool (n, units)."""
    local, affine = part.local, part.local.affine
    slope = (
        np.ones(local.z.shape)
        if affine.activation.function.vector
        else slopes(affine.activation, local.z)
    )
    if part.active is not None:
        slope = slope * part.active[:, :, None]
    # Where a bound is 0 the activation is flat: nothing shows there.
    sharp = np.divide(slope * SIGMAS, local.bound, out=np.zeros_like(slope), where=local.bound > 0)
    power = np.square(sharp).reshape(-1, part.local.z.shape[-1])
    blocks = []
    for x, w in affine.terms(local.x, local.h):
        nudge = NUDGE * np.sqrt(np.mean(np.square(w)))
        blocks.append(nudge * np.sqrt(np.square(x).T @ power) > SEEN)
    if affine.bias is not None:
        size = max(float(np.sqrt(np.mean(np.square(affine.bias)))), 2.0**-10)
        blocks.append((NUDGE * size * np.sqrt(power.sum(axis=0)) > SEEN)[None])
    return np.concatenate(blocks)


@dataclass(frozen=True)
class Control:
    """A negative control: the network with one attribute made plain, and whether any output noticed."""

    path: str
    attribute: str
    noticed: bool


def controls(network: Network, feeds: Mapping[str, np.ndarray]) -> tuple[Control, ...]:
    """Return a control for every attribute of a recurrent call that is away from plain forward tanh."""
    own = run(network, feeds, np.float64)
    made = []
    for at, call in enumerate(network.calls):
        if isinstance(call.op, Recurrent):
            for attribute, other in _plainer(call, call.op):
                calls = (*network.calls[:at], other, *network.calls[at + 1 :])
                outputs = run(replace(network, calls=calls), feeds, np.float64)
                noticed = any(
                    not np.array_equal(own[name], outputs[name], equal_nan=True) for name in own
                )
                made.append(Control(call.path, attribute, noticed))
    return tuple(made)


def _plainer(call: Call, op: Recurrent) -> Iterator[tuple[str, Call]]:
    if op.go_backwards:
        yield "go_backwards", replace(call, op=replace(op, go_backwards=False))
    if op.time_order and op.go_backwards and "sequence" in op.emits:
        yield "time_order", replace(call, op=replace(op, time_order=False))
    if call.mask is not None:
        yield "mask", replace(call, mask=None)
        if op.zero_output_for_mask:
            yield "zero_output_for_mask", replace(call, op=replace(op, zero_output_for_mask=False))
    if call.initial:
        yield "initial_state", replace(call, initial=())
    for at, cell in enumerate(op.cells):
        others = []
        if str(cell.activation) != "tanh":
            others.append(("activation", replace(cell, activation=activation("tanh"))))
        if cell.bias is not None and np.any(cell.bias.read() != 0):
            others.append(("bias", replace(cell, bias=None)))
        for attribute, changed in others:
            cells = (*op.cells[:at], changed, *op.cells[at + 1 :])
            yield attribute, replace(call, op=replace(op, cells=cells))
