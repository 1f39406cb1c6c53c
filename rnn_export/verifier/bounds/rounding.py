"""The rounding error that one non-recurrent call adds by itself, given exact inputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce, singledispatch

import numpy as np

from rnn_export.builders.reference.rounding import effective
from rnn_export.network import Call, Weight
from rnn_export.network.dtypes import HALF, is_floating
from rnn_export.network.ops import (
    Activate,
    Affine,
    BatchNormalization,
    Cast,
    Dense,
    LayerNormalization,
    Merge,
    ParametricRelu,
    Pool,
)
from rnn_export.verifier.bounds import cell
from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.bounds.precision import Arithmetic
from rnn_export.verifier.bounds.products import SIGMAS


@dataclass(frozen=True)
class Made:
    """One call and what it made in float64.

    Args:
        call: the call.
        inputs: its inputs' values.
        value: its (only) output's.
        arithmetic, envelope: of the runtime.
        mask: the mask it heeds, or None.
        narrows: the output's dtype holds fewer digits than the input's.
    """

    call: Call
    inputs: tuple[np.ndarray, ...]
    value: np.ndarray
    arithmetic: Arithmetic
    envelope: Envelope
    mask: np.ndarray | None = None
    narrows: bool = False

    @property
    def u(self) -> float:
        return self.arithmetic.unit

    def weight(self, weight: Weight | None, default: float, axes: tuple[int, ...]) -> np.ndarray:
        """Return a normalisation's weight, shaped to stand on ``axes`` of the input."""
        if weight is None:
            return np.full(1, default)
        wide = "float32" if self.call.dtype in HALF else self.call.dtype
        values = effective(weight, wide, np.dtype(np.float64))
        shape = tuple(n if axis in axes else 1 for axis, n in enumerate(self.inputs[0].shape))
        return values.reshape(shape)


@singledispatch
def rounding(op: object, made: Made) -> np.ndarray | None:
    """Return the bound on the error of the output, of its shape; None for ops that only move or pick values."""
    return None


def accumulated(terms: int) -> float:
    """Return the growth, in u, of a sum of ``terms`` numbers relative to the sum of their sizes."""
    return float(SIGMAS * np.sqrt(terms / 3) + 2)


@rounding.register
def _cast(op: Cast, made: Made) -> np.ndarray | None:
    if not is_floating(made.call.dtype) or not made.narrows:
        return None
    # The oracle rounded as well, and rounds to nearest: what is left is a runtime that rounds otherwise.
    return np.asarray(2 * made.u * np.abs(made.value) + made.arithmetic.floor)


@rounding.register
def _dense(op: Dense, made: Made) -> np.ndarray:
    affine = cell.Affine.of(op, made.call.dtype)
    return cell.Local(affine, made.inputs[0], None, made.arithmetic, made.envelope).bound


@rounding.register
def _activate(op: Activate, made: Made) -> np.ndarray:
    z, value = np.moveaxis(made.inputs[0], op.axis, -1), np.moveaxis(made.value, op.axis, -1)
    return np.moveaxis(made.envelope.of(op.activation, z, value, made.u), -1, op.axis)


@rounding.register
def _affine(op: Affine, made: Made) -> np.ndarray:
    scaled = np.abs(made.inputs[0] * op.scale)
    return np.asarray(made.u * (2 * scaled + abs(op.offset) + np.abs(made.value)))


@rounding.register
def _parametric_relu(op: ParametricRelu, made: Made) -> np.ndarray:
    return np.asarray(2 * made.u * np.abs(made.value))


@rounding.register
def _merge(op: Merge, made: Made) -> np.ndarray | None:
    if op.kind in ("maximum", "minimum"):
        return None
    count = len(made.inputs)
    if op.kind == "multiply":
        return np.asarray(count * made.u * np.abs(made.value))
    size = reduce(np.add, [np.abs(x) for x in made.inputs])
    return np.asarray(
        made.u * (count * size / count if op.kind == "average" else (count - 1) * size)
    )


@rounding.register
def _pool(op: Pool, made: Made) -> np.ndarray | None:
    if op.kind == "max":
        return None
    x = np.abs(made.inputs[0])
    if made.mask is None:
        size = x.mean(axis=1, keepdims=True)
    else:
        count = np.maximum(made.mask.sum(axis=1), 1)[:, None, None]
        size = np.where(made.mask[..., None], x, 0).sum(axis=1, keepdims=True) / count
    bound = np.asarray(made.u * accumulated(x.shape[1]) * size)
    return bound if op.keepdims else np.asarray(bound[:, 0])


@rounding.register
def _batch_normalization(op: BatchNormalization, made: Made) -> np.ndarray:
    """Covers (x - mean) * inv + beta as well as x * inv + (beta - mean * inv)."""
    axes = (op.axis % made.inputs[0].ndim,)
    inverse = made.weight(op.gamma, 1.0, axes) / np.sqrt(
        made.weight(op.variance, 1.0, axes) + op.epsilon
    )
    moved = np.abs(inverse) * (np.abs(made.inputs[0]) + np.abs(made.weight(op.mean, 0.0, axes)))
    return np.asarray(
        made.u * (6 * moved + 2 * np.abs(made.weight(op.beta, 0.0, axes)) + np.abs(made.value))
    )


@rounding.register
def _layer_normalization(op: LayerNormalization, made: Made) -> np.ndarray:
    """Covers both ways to a variance, mean((x - m)^2) and mean(x^2) - m^2."""
    x = made.inputs[0]
    axes = tuple(axis % x.ndim for axis in op.axes)
    growth = accumulated(int(np.prod([x.shape[axis] for axis in axes])))
    gamma, beta = made.weight(op.gamma, 1.0, axes), made.weight(op.beta, 0.0, axes)
    mean = x.mean(axis=axes, keepdims=True)
    away = x - mean
    inverse = 1 / np.sqrt(np.square(away).mean(axis=axes, keepdims=True) + op.epsilon)
    mean_error = growth * np.abs(x).mean(axis=axes, keepdims=True) + np.abs(x)
    variance_error = 2 * growth * (np.square(x).mean(axis=axes, keepdims=True) + np.square(mean))
    slope = np.abs(gamma) * inverse
    moved = slope * mean_error + slope * np.abs(away) * (inverse**2 / 2 * variance_error + 4)
    return np.asarray(made.u * (moved + np.abs(beta) + 2 * np.abs(made.value)))
