"""Ops that move, repeat or pool values."""

from __future__ import annotations

from math import prod

import numpy as np

from rnn_export.builders.reference.computing import Given, compute
from rnn_export.network.ops import (
    Concatenate,
    ExpandDims,
    Flip,
    Permute,
    Pool,
    Repeat,
    Reshape,
)


@compute.register
def _reshape(op: Reshape, given: Given) -> tuple[np.ndarray, ...]:
    # NumPy cannot work out a -1 beside an empty batch.
    known = prod(size for size in op.target if size != -1)
    free = prod(given.x.shape[1:]) // known if known else 0
    shape = tuple(free if size == -1 else size for size in op.target)
    return (given.x.reshape((given.x.shape[0], *shape)),)


@compute.register
def _permute(op: Permute, given: Given) -> tuple[np.ndarray, ...]:
    return (np.transpose(given.x, op.whole),)


@compute.register
def _repeat(op: Repeat, given: Given) -> tuple[np.ndarray, ...]:
    return (np.repeat(given.x[:, None], op.times, axis=1),)


@compute.register
def _flip(op: Flip, given: Given) -> tuple[np.ndarray, ...]:
    return (np.flip(given.x, op.axis),)


@compute.register
def _expand_dims(op: ExpandDims, given: Given) -> tuple[np.ndarray, ...]:
    return (np.expand_dims(given.x, op.axis),)


@compute.register
def _concatenate(op: Concatenate, given: Given) -> tuple[np.ndarray, ...]:
    return (np.concatenate(given.inputs, axis=op.axis),)


@compute.register
def _pool(op: Pool, given: Given) -> tuple[np.ndarray, ...]:
    """A mask counts for the average alone, as in Keras; a row without a valid step becomes NaN there."""
    x, mask = given.x, given.mask
    if op.kind == "max":
        return (x.max(axis=1, keepdims=op.keepdims, initial=-np.inf),)
    if mask is None:
        count = np.full((1, 1, 1), x.shape[1], x.dtype)
    else:
        x = np.where(mask[..., None], x, x.dtype.type(0))
        count = mask.sum(axis=1, dtype=x.dtype)[:, None, None]
    average = x.sum(axis=1, keepdims=True) / count
    return (average if op.keepdims else average[:, 0],)
