"""How far an activation can move when its argument moves by at most delta: monotone or not, scalar or of a row."""

from __future__ import annotations

import numpy as np

from rnn_export.network import Activation


def change(
    activation: Activation, z: np.ndarray, value: np.ndarray, delta: np.ndarray
) -> np.ndarray:
    """Return the largest |activation(z + xi) - activation(z)| over |xi| <= delta, for every element.

    Between its turns a scalar activation is monotone, so that the extremes over the interval lie at its two
    ends or at a turn inside (both sides of it, where it jumps).

    Args:
        activation: which.
        z: float64, (..., units).
        value: activation(z).
        delta: float64, of z's shape, >= 0.

    Returns:
        float64, of z's shape.
    """
    if activation.function.vector:
        return _row_change(activation.name, value, delta)
    with np.errstate(over="ignore", invalid="ignore"):
        most = np.maximum(
            np.abs(activation(z + delta) - value), np.abs(activation(z - delta) - value)
        )
        for turn in activation.turns():
            # The turn itself may have been rounded to the file's dtype, hence a little more than delta.
            inside = np.abs(z - turn) <= delta * (1 + 2.0**-20) + np.spacing(np.float32(abs(turn)))
            if inside.any():
                sides = np.array([np.nextafter(turn, -np.inf), turn, np.nextafter(turn, np.inf)])
                for extreme in activation(sides):
                    most = np.where(inside, np.maximum(most, np.abs(extreme - value)), most)
    return np.asarray(most)


def _row_change(name: str, value: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """Return the change of softmax, log_softmax or sparsemax when every argument of the row moves."""
    worst = delta.max(axis=-1, keepdims=True)
    if name == "softmax":
        # Every exp() changes by a factor within e^(+-worst), numerator and sum alike.
        return np.asarray(np.abs(value) * np.expm1(np.minimum(2 * worst, 50.0)))
    if name == "log_softmax":
        return np.broadcast_to(2 * worst, value.shape)
    # A Euclidean projection moves no further than its argument.
    return np.broadcast_to(np.sqrt((delta * delta).sum(axis=-1, keepdims=True)), value.shape)
