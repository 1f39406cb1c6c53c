"""Ops that keep every position in its place: activations, casts, scaling, merges."""

from __future__ import annotations

from functools import reduce

import numpy as np

from rnn_export.builders.reference.computing import Given, compute
from rnn_export.builders.reference.rounding import constant, effective, working
from rnn_export.network.dtypes import is_floating
from rnn_export.network.ops import Activate, Affine, Cast, Merge, ParametricRelu

_PAIRWISE = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "average": np.add,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


@compute.register
def _activate(op: Activate, given: Given) -> tuple[np.ndarray, ...]:
    """A softmax puts a large negative number where the mask is False, then 0. Source: keras.layers.Softmax."""
    x, mask = given.x, given.mask
    if mask is not None:
        x = np.where(mask, x, given.dtype.type(-3e4 if given.call.dtype == "float16" else -1e9))
    if op.activation.function.vector:
        y = np.moveaxis(op.activation(np.moveaxis(x, op.axis, -1)), -1, op.axis)
    else:
        y = op.activation(x)
    return (y if mask is None else np.where(mask, y, given.dtype.type(0)),)


@compute.register
def _parametric_relu(op: ParametricRelu, given: Given) -> tuple[np.ndarray, ...]:
    alpha = effective(op.alpha, given.call.dtype, given.dtype)
    return (np.maximum(given.x, 0) - alpha * np.maximum(-given.x, 0),)


@compute.register
def _cast(op: Cast, given: Given) -> tuple[np.ndarray, ...]:
    return (working(given.x, given.call.dtype, given.dtype),)


@compute.register
def _affine(op: Affine, given: Given) -> tuple[np.ndarray, ...]:
    scale, offset = constant([op.scale, op.offset], given.call.dtype, given.dtype)
    return (given.x.astype(given.dtype) * scale + offset,)


@compute.register
def _merge(op: Merge, given: Given) -> tuple[np.ndarray, ...]:
    made = reduce(_PAIRWISE[op.kind], given.inputs)
    if op.kind == "average":
        made = made / given.dtype.type(len(given.inputs))
    return (made.astype(given.dtype) if is_floating(given.call.dtype) else made,)
