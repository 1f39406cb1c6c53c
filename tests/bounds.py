"""How far two correct evaluations of a tanh recurrence can be apart: no tolerances, only u and sizes.

Two models. "worst": every rounding counts in full (Higham, Accuracy and Stability of Numerical Algorithms,
gamma_n). "likely": roundings are independent, six standard deviations (Higham and Mary, 2019); calibrated, not
a theorem, and a hundred times tighter after 100 steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

U32 = 2.0**-24
U64 = 2.0**-53

Model = Literal["worst", "likely"]
Weights = tuple[np.ndarray, np.ndarray, np.ndarray]
"""w (features, units), r (units, units), b (units,)."""


def step_bound(x: np.ndarray, h: np.ndarray, weights: Weights, u: float) -> np.ndarray:
    """Return how far tanh(x w + h r + b), computed in any order, can be from its exact value.

    Args:
        x: (batch, features).
        h: (batch, units), the state that the evaluation started from.
        weights: w, r and b.
        u: unit roundoff of the evaluation.

    Returns:
        (batch, units). The slope of tanh is at most 1.
    """
    w, r, b = weights
    terms = len(w) + len(r) + 2
    gamma = terms * u / (1 - terms * u)
    sizes = np.abs(x) @ np.abs(w) + np.abs(h) @ np.abs(r) + np.abs(b)
    return np.asarray(gamma * sizes + _of_tanh(x, h, weights, u))


def step_deviation(x: np.ndarray, h: np.ndarray, weights: Weights, u: float) -> np.ndarray:
    """Return the standard deviation of that error under the "likely" model. Arguments as above."""
    w, r, b = weights
    terms = len(w) + len(r) + 2
    squares = x**2 @ w**2 + h**2 @ r**2 + b**2
    z = x @ w + h @ r + b
    variance = u**2 * ((terms / 2 + 1) * squares + (terms / 3) * z**2) / 3
    return np.asarray(np.sqrt(variance + _of_tanh(x, h, weights, u) ** 2 / 3))


def _of_tanh(x: np.ndarray, h: np.ndarray, weights: Weights, u: float) -> np.ndarray:
    """Return the widest error that any runtime here has in tanh itself, 6 u |y| + 3 u."""
    w, r, b = weights
    return np.asarray(u * (6 * np.abs(np.tanh(x @ w + h @ r + b)) + 3))


@dataclass(frozen=True)
class Loop:
    """One cell's part of an evaluation: what it read and the states it went through, from zeros.

    Args:
        x: (time, batch, features).
        states: (time, batch, units).
        weights: w, r and b.
    """

    x: np.ndarray
    states: np.ndarray
    weights: Weights

    def before(self, t: int, row: int) -> np.ndarray:
        """Return h_{t-1} of one row, (1, units)."""
        return self.states[t - 1, row][None] if t else np.zeros((1, self.states.shape[2]))

    def slope(self, t: int, row: int) -> np.ndarray:
        """Return the slope of tanh at step t of one row, (units,)."""
        return np.asarray(1 - self.states[t, row] ** 2)

    def local(self, t: int, row: int, u: float, model: Model) -> np.ndarray:
        """Return the rounding of step t of one row, (1, units)."""
        size = step_bound if model == "worst" else step_deviation
        return size(self.x[t, row][None], self.before(t, row), self.weights, u)


def last_bound(loops: Sequence[Loop], u: float, model: Model) -> np.ndarray:
    """Return how far apart the last states of a stack of cells can be, (batch, units of the last).

    First order: each step's rounding, carried to the end by the Jacobians that the loops themselves had.

    Args:
        loops: one for each cell; each reads the states of the one before it.
        u: unit roundoff of the wider evaluation.
        model: "worst" or "likely".
    """
    last = loops[-1].states
    made = np.zeros(last.shape[1:])
    for row in range(last.shape[1]):
        carried = np.eye(sum(loop.states.shape[2] for loop in loops))[:, -last.shape[2] :]
        total = np.zeros(last.shape[2])
        for t in reversed(range(len(last))):
            rounding = [loop.local(t, row, u, model) for loop in loops]
            # What the cell below rounds reaches this one within the same step.
            carried, within = _through(loops, t, row, carried)
            sizes = np.concatenate(rounding, axis=1)[0]
            if model == "worst":
                total += sizes @ np.abs(within)
            else:
                total += sizes**2 @ within**2
        made[row] = total if model == "worst" else 6 * np.sqrt(total)
    # Two evaluations round; doubled once more for what is of second order.
    return 4 * made if model == "worst" else np.sqrt(8) * made


def _through(
    loops: Sequence[Loop], t: int, row: int, carried: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Take the Jacobian to the end from "after step t" back to "before step t", and to "within step t"."""
    sizes = [loop.states.shape[2] for loop in loops]
    starts = np.cumsum([0, *sizes])
    within = carried.copy()
    # From the top cell down: an error of h_t of one cell enters the next one through its kernel.
    for k in range(len(loops) - 1, 0, -1):
        upper = within[starts[k] : starts[k + 1]]
        w = loops[k].weights[0]
        within[starts[k - 1] : starts[k]] += (w * loops[k].slope(t, row)) @ upper
    before = np.zeros_like(carried)
    for k, loop in enumerate(loops):
        part = slice(starts[k], starts[k + 1])
        before[part] = (loop.weights[1] * loop.slope(t, row)) @ within[part]
    return before, within
