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
        return _row_change(activation.name, z, value, delta)
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


def overflows(activation: Activation, z: np.ndarray, largest: float) -> np.ndarray | None:
    """Tell where the formula of an activation passes through a number beyond ``largest`` on its way to one within.

    There an infinity is what Keras computes, and what a runtime that goes another way need not. Of Keras'
    activations squareplus does so, which takes the square of z.

    Returns:
        bool, of z's shape; None for nowhere.
    """
    if activation.name != "squareplus":
        return None
    beyond = np.abs(z) >= np.sqrt(largest) * (1 - 2.0**-6)
    return beyond if beyond.any() else None


def _row_change(name: str, z: np.ndarray, value: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """Return the change of softmax, log_softmax or sparsemax when every argument of the row moves."""
    worst = delta.max(axis=-1, keepdims=True)
    if name == "softmax":
        # Every exp() changes by a factor within e^(+-worst), numerator and sum alike.
        return np.asarray(np.abs(value) * np.expm1(np.minimum(2 * worst, 50.0)))
    if name == "log_softmax":
        return np.broadcast_to(2 * worst, value.shape)
    return _sparsemax_change(z, value, worst)


def _sparsemax_change(z: np.ndarray, value: np.ndarray, worst: np.ndarray) -> np.ndarray:
    """Return the change of Keras' sparsemax, which jumps where its support grows or shrinks.

    Sorted arguments move by at most ``worst``, the sum of the first k by k times that: the threshold lies
    within what any support that may be the right one gives.
    """
    width = z.shape[-1]
    ordered = -np.sort(-z, axis=-1)
    total = np.cumsum(ordered, axis=-1)
    rank = np.arange(1, width + 1)
    over = ordered - (total - 1) / rank
    fewest = np.maximum((over > 2 * worst).sum(axis=-1, keepdims=True), 1)
    most = np.maximum((over >= -2 * worst).sum(axis=-1, keepdims=True), fewest)
    threshold = (np.cumsum(total, axis=-1) - 1) / rank
    reach = worst * (rank + 1) / 2
    may = (rank >= fewest) & (rank <= most)
    low = np.where(may, threshold - reach, np.inf).min(axis=-1, keepdims=True)
    high = np.where(may, threshold + reach, -np.inf).max(axis=-1, keepdims=True)
    up = np.maximum(z + worst - low, 0) - value
    down = value - np.maximum(z - worst - high, 0)
    return np.asarray(np.maximum(np.maximum(up, down), 0))
