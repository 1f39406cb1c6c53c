"""Normalisations; Keras computes both in float32 at least, and stores their weights unrounded there."""

from __future__ import annotations

import numpy as np

from rnn_export.builders.reference.computing import Given, compute
from rnn_export.builders.reference.rounding import effective
from rnn_export.network import Weight
from rnn_export.network.dtypes import HALF
from rnn_export.network.ops import BatchNormalization, LayerNormalization


def _wide(given: Given) -> str:
    return "float32" if given.call.dtype in HALF else given.call.dtype


def _scaled(
    x: np.ndarray,
    gamma: Weight | None,
    beta: Weight | None,
    shape: tuple[int, ...],
    given: Given,
) -> np.ndarray:
    """Return x * gamma + beta, both reshaped to ``shape``."""
    if gamma is not None:
        x = x * effective(gamma, _wide(given), given.dtype).reshape(shape)
    if beta is not None:
        x = x + effective(beta, _wide(given), given.dtype).reshape(shape)
    return x


@compute.register
def _layer_normalization(op: LayerNormalization, given: Given) -> tuple[np.ndarray, ...]:
    x = given.x
    axes = tuple(axis % x.ndim for axis in op.axes)
    shape = tuple(size if axis in axes else 1 for axis, size in enumerate(x.shape))
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    normal = centred / np.sqrt(variance + given.dtype.type(op.epsilon))
    return (_scaled(normal, op.gamma, op.beta, shape, given),)


@compute.register
def _batch_normalization(op: BatchNormalization, given: Given) -> tuple[np.ndarray, ...]:
    x = given.x
    axis = op.axis % x.ndim
    shape = tuple(size if at == axis else 1 for at, size in enumerate(x.shape))
    mean = effective(op.mean, _wide(given), given.dtype).reshape(shape)
    variance = effective(op.variance, _wide(given), given.dtype).reshape(shape)
    normal = (x - mean) / np.sqrt(variance + given.dtype.type(op.epsilon))
    return (_scaled(normal, op.gamma, op.beta, shape, given),)
