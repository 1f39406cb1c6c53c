"""LayerNormalization and BatchNormalization, in float32 at least, as Keras computes them."""

from __future__ import annotations

import numpy as np

from rnn_export.exporters.elements import carrier
from rnn_export.exporters.lowering import Lowering, lower
from rnn_export.exporters.plan import follows
from rnn_export.exporters.terms import Terms
from rnn_export.network import Call, Spec, Weight
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.network.ops import BatchNormalization, LayerNormalization


@lower.register
def _(op: LayerNormalization, call: Call, low: Lowering) -> None:
    """Written out: ONNX' own operator may take the variance as E[x^2] - E[x]^2, which cancels."""
    layout = low.layout(call.outputs[0])
    rank = low.spec(call.inputs[0]).rank
    axes = sorted(axis % rank for axis in op.axes)
    terms = Terms(low.graph, numpy_dtype(carrier(call.dtype)))
    x = low.get(call.inputs[0], layout)
    centred = terms("Sub", x, low.graph.reduce("ReduceMean", x, axes, keepdims=True))
    variance = low.graph.reduce("ReduceMean", terms("Mul", centred, centred), axes, keepdims=True)
    value = terms("Div", centred, terms("Sqrt", terms("Add", variance, op.epsilon)))
    shape = [low.spec(call.inputs[0]).shape[axis] if axis in axes else 1 for axis in range(rank)]
    sizes = [size for size in shape[axes[0] :] if isinstance(size, int)]
    for kind, weight in (("Mul", op.gamma), ("Add", op.beta)):
        if weight is not None:
            value = terms(kind, value, _constant(low, terms, weight, sizes))
    low.put(call.outputs[0], value, layout)


@lower.register
def _(op: BatchNormalization, call: Call, low: Lowering) -> None:
    """(x - mean) * (gamma / sqrt(variance + epsilon)) + beta; the factor is computed here, in float64."""
    layout = low.layout(call.outputs[0])
    rank = low.spec(call.inputs[0]).rank
    terms = Terms(low.graph, numpy_dtype(carrier(call.dtype)))
    x = low.get(call.inputs[0], layout)
    sizes = [op.mean.shape[0]] + [1] * (rank - 1 - op.axis % rank)
    factor = 1 / np.sqrt(_exact(op.variance, terms) + op.epsilon)
    if op.gamma is not None:
        factor = factor * _exact(op.gamma, terms)
    value = terms("Sub", x, _constant(low, terms, op.mean, sizes))
    value = terms("Mul", value, low.graph.constant(factor.reshape(sizes), terms.dtype))
    if op.beta is not None:
        value = terms("Add", value, _constant(low, terms, op.beta, sizes))
    low.put(call.outputs[0], value, layout)


def _exact(weight: Weight, terms: Terms) -> np.ndarray:
    return weight.read().astype(terms.dtype).astype(np.float64)


def _constant(low: Lowering, terms: Terms, weight: Weight, shape: list[int]) -> str:
    return low.graph.constant(weight.read().astype(terms.dtype).reshape(shape), terms.dtype)


@follows.register
def _(op: LayerNormalization, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return all(axis % output.rank >= 2 for axis in op.axes)


@follows.register
def _(op: BatchNormalization, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return op.axis % output.rank >= 2
