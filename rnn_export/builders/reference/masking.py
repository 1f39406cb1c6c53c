"""Masks: made from tokens or values, applied, combined."""

from __future__ import annotations

from functools import reduce

import numpy as np

from rnn_export.builders.reference.computing import Given, compute
from rnn_export.network.ops import ApplyMask, CombineMasks, TokenMask, ValueMask


@compute.register
def _token_mask(op: TokenMask, given: Given) -> tuple[np.ndarray, ...]:
    return (given.x != 0,)


@compute.register
def _value_mask(op: ValueMask, given: Given) -> tuple[np.ndarray, ...]:
    """The value is rounded to float32, in float64 too, and integers are compared with it as float32."""
    x = given.x if np.issubdtype(given.x.dtype, np.floating) else given.x.astype(np.float32)
    return (np.any(x != np.float32(op.value), axis=-1),)


@compute.register
def _apply_mask(op: ApplyMask, given: Given) -> tuple[np.ndarray, ...]:
    x, mask = given.inputs
    return (np.where(mask[..., None], x, np.zeros((), x.dtype)),)


@compute.register
def _combine_masks(op: CombineMasks, given: Given) -> tuple[np.ndarray, ...]:
    return (reduce(np.logical_and if op.kind == "and" else np.logical_or, given.inputs),)
