"""The values of Keras' activations that take more than one NumPy expression, in the dtype they are given."""

# NumPy types the results of its ufuncs as Any.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from math import erfc, isfinite, sqrt

import numpy as np


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z)); neither side overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def softplus(z: np.ndarray) -> np.ndarray:
    """Return log(1 + exp(z))."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def leaky_relu(z: np.ndarray, negative_slope: float) -> np.ndarray:
    """Return z above 0, negative_slope * z below.

    The slope is rounded to float32: an attribute of that type carries it in TensorFlow (in float64
    too) and in ONNX.
    """
    return np.where(z >= 0, z, float(np.float32(negative_slope)) * z)


def relu(z: np.ndarray, negative_slope: float, max_value: float, threshold: float) -> np.ndarray:
    """Return z above the threshold, at most max_value; negative_slope * (z - threshold) below it."""
    limited = isfinite(max_value)
    if negative_slope and not limited and not threshold:
        return leaky_relu(z, negative_slope)
    # Keras' own order of steps: with a threshold below 0, the limit cuts what lies between it and 0.
    kept = np.where(z > threshold, z, 0) if threshold else np.maximum(z, 0)
    if limited:
        kept = np.clip(kept, 0, max_value)
    # Not multiplied by a slope of 0: z may be infinite.
    return kept - negative_slope * np.maximum(threshold - z, 0) if negative_slope else kept


def elu(z: np.ndarray, alpha: float) -> np.ndarray:
    """Return z above 0, alpha * (exp(z) - 1) below."""
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def celu(z: np.ndarray, alpha: float) -> np.ndarray:
    """Return z above 0, alpha * (exp(z / alpha) - 1) below."""
    return np.maximum(z, 0) + alpha * np.expm1(np.minimum(z, 0) / alpha)


def gelu(z: np.ndarray, approximate: float) -> np.ndarray:
    """Return z * P(X <= z) for a standard normal X; if approximate, by way of tanh."""
    if approximate:
        return 0.5 * z * (1 + np.tanh(sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
    wide = np.asarray(z, np.float64)
    # math.erfc is exact to the last bit or two; NumPy has none, and SciPy is not a dependency.
    tail = np.vectorize(erfc, otypes=[np.float64])(-wide / sqrt(2))
    return np.asarray(0.5 * wide * tail)


def mish(z: np.ndarray) -> np.ndarray:
    """Return z * tanh(softplus(z))."""
    return z * np.tanh(softplus(z))


def softmax(z: np.ndarray) -> np.ndarray:
    """Return exp(z) / sum(exp(z)) over the last axis."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z: np.ndarray) -> np.ndarray:
    """Return the logarithm of the softmax over the last axis."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def sparsemax(z: np.ndarray) -> np.ndarray:
    """Return what Keras calls sparsemax, over the last axis.

    Martins and Astudillo (2016) take the threshold from the last cumulated sum of the support; Keras
    3.15, on every backend, from the total of them all. A model computes what Keras computes.
    """
    ordered = -np.sort(-z, axis=-1)
    total = np.cumsum(ordered, axis=-1)
    rank = np.arange(1, z.shape[-1] + 1, dtype=z.dtype)
    support = ordered - (total - 1) / rank > 0
    count = np.sum(support, axis=-1, keepdims=True, dtype=z.dtype)
    tau = (np.sum(np.where(support, total, 0), axis=-1, keepdims=True) - 1) / count
    return np.maximum(z - tau, 0)


def squareplus(z: np.ndarray, b: float) -> np.ndarray:
    """Return (z + sqrt(z^2 + b)) / 2."""
    root = np.sqrt(z * z + b)
    # z + root cancels for z << 0; b / (root - z) is the same number without the loss.
    with np.errstate(divide="ignore", invalid="ignore"):
        return 0.5 * np.where(z >= 0, z + root, b / (root - z) if b else 0.0 * z)


def hard_shrink(z: np.ndarray, threshold: float) -> np.ndarray:
    """Return z outside of the threshold; 0 within it."""
    return np.where(np.abs(z) > threshold, z, 0)


def soft_shrink(z: np.ndarray, threshold: float) -> np.ndarray:
    """Return z moved towards 0 by the threshold; 0 within it."""
    below = np.where(z < -threshold, z + threshold, 0)
    return np.where(z > threshold, z - threshold, below)


def threshold(z: np.ndarray, threshold: float, default_value: float) -> np.ndarray:
    """Return z above the threshold, default_value elsewhere."""
    return np.where(z > threshold, z, default_value)


def sparse_plus(z: np.ndarray) -> np.ndarray:
    """Return 0 up to -1, (z + 1)^2 / 4 up to 1, z from there."""
    return np.where(z <= -1, 0, np.where(z < 1, 0.25 * (z + 1) ** 2, z))
