"""The recurrence itself: the seeds' loop h_t = act(x_t W + h_{t-1} R + b), all cells step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_export.builders.reference.computing import Given, compute
from rnn_export.builders.reference.rounding import effective
from rnn_export.network import Activation
from rnn_export.network.ops import Cell, Recurrent


@dataclass(frozen=True)
class Step:
    """One cell with its numbers at hand: w (features, units), r (units, units), b (units,) or None."""

    w: np.ndarray
    r: np.ndarray
    b: np.ndarray | None
    act: Activation

    def __call__(self, x_t: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return h_t from x_t (batch, features) and h_{t-1} (batch, units)."""
        z = x_t @ self.w + h @ self.r
        return self.act(z if self.b is None else z + self.b)


def _step(cell: Cell, given: Given) -> Step:
    name, dtype = given.call.dtype, given.dtype
    bias = None if cell.bias is None else effective(cell.bias, name, dtype)
    return Step(
        effective(cell.kernel, name, dtype),
        effective(cell.recurrent_kernel, name, dtype),
        bias,
        cell.activation,
    )


@compute.register
def _recurrent(op: Recurrent, given: Given) -> tuple[np.ndarray, ...]:
    """Source: keras.src.backend.tensorflow.rnn, whose masked outputs begin with 0, not with the state."""
    x = given.x
    batch, time = x.shape[:2]
    steps = [_step(cell, given) for cell in op.cells]
    states = list(given.initial) or [
        np.zeros((batch, cell.units), given.dtype) for cell in op.cells
    ]
    y = np.zeros((batch, op.cells[-1].units), given.dtype)
    sequence = np.zeros((batch, time, op.cells[-1].units), given.dtype)
    order = range(time)[::-1] if op.go_backwards else range(time)
    for place, t in enumerate(order):
        below, after = x[:, t], []
        for step, h in zip(steps, states, strict=True):
            below = step(below, h)
            after.append(below)
        if given.mask is None:
            y, states = below, after
        else:
            valid = given.mask[:, t, None]
            kept = np.zeros_like(y) if op.zero_output_for_mask else y
            y = np.where(valid, below, kept)
            states = [np.where(valid, new, old) for new, old in zip(after, states, strict=True)]
        sequence[:, t if op.time_order else place] = y
    made = {"sequence": (sequence,), "output": (y,), "state": tuple(states)}
    return tuple(values for emit in op.emits for values in made[emit])
