"""From an op to the Keras layer it came from, and to the variables that hold its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from rnn_export.builders.live.spelling import (
    activation_layer,
    keras_activation,
    keras_name,
    keras_policy,
)
from rnn_export.errors import NetworkError
from rnn_export.network import Call, Op, Weight, op_weights
from rnn_export.network.ops import (
    Activate,
    Affine,
    BatchNormalization,
    Concatenate,
    Dense,
    Embedding,
    LayerNormalization,
    Merge,
    ParametricRelu,
    Permute,
    Pool,
    Repeat,
    Reshape,
)

Filling = list[tuple[Callable[[], Any], Weight]]
"""(how to get a variable once the layer is built, what it shall hold)."""


@dataclass(frozen=True)
class Made:
    """A Keras layer and the weights it waits for."""

    layer: Any
    filling: Filling


def subject_of(call: Call) -> str:
    """Return how errors name the layer of a call."""
    return f"layer {call.layer!r}"


def common(call: Call, weights: tuple[Weight, ...] = ()) -> dict[str, Any]:
    """Return the arguments that every layer takes: name and dtype policy."""
    return {
        "name": keras_name(call.layer),
        "dtype": keras_policy(call.dtype, weights, subject_of(call)),
    }


def plain_layer(call: Call, **options: Any) -> Made:
    """Return the layer of a call that is neither recurrent nor about masks.

    Args:
        call: the call.
        options: what is known of the layer beside its op.

    Raises:
        NetworkError: an op that no single Keras layer stands for.
    """
    weights = {path.rpartition("/")[2]: weight for path, weight in op_weights(call.op, call.layer)}
    layer = _layer(call.op, call, common(call, tuple(weights.values())) | options)
    filling: Filling = [
        (attribute(layer, _VARIABLES.get(name, name)), weight) for name, weight in weights.items()
    ]
    return Made(layer, filling)


# Weights whose variable has another name.
_VARIABLES = {"table": "_embeddings", "mean": "moving_mean", "variance": "moving_variance"}

_MERGES = {
    "add": "Add",
    "subtract": "Subtract",
    "multiply": "Multiply",
    "average": "Average",
    "maximum": "Maximum",
    "minimum": "Minimum",
}


def attribute(layer: Any, name: str) -> Callable[[], Any]:
    """Return a way to a layer's variable, which is there only once the layer is built."""
    return lambda: getattr(layer, name)


@singledispatch
def _layer(op: Op, call: Call, options: dict[str, Any]) -> Any:
    raise NetworkError(
        subject_of(call),
        expected="an op that one Keras layer stands for",
        got=type(op).__name__,
        advice="Run the original model instead of one made from its network.",
    )


@_layer.register
def _embedding(op: Embedding, call: Call, options: dict[str, Any]) -> Any:
    import keras

    given = {key: value for key, value in call.hints if key.startswith("embeddings_")}
    return keras.layers.Embedding(*op.table.shape, **given, **options)


@_layer.register
def _dense(op: Dense, call: Call, options: dict[str, Any]) -> Any:
    import keras

    act = keras_activation(op.activation, subject_of(call))
    units = op.kernel.shape[-1]
    return keras.layers.Dense(units, activation=act, use_bias=op.bias is not None, **options)


@_layer.register
def _activate(op: Activate, call: Call, options: dict[str, Any]) -> Any:
    import keras

    if op.activation.name == "softmax" and op.axis != -1:
        return keras.layers.Softmax(axis=op.axis, **options)
    layer = activation_layer(op.activation, **options)
    if layer is None or (op.activation.function.vector and op.axis != -1):
        keras_activation(op.activation, subject_of(call))
        raise NetworkError(
            subject_of(call), expected="an activation over the last axis", got=str(op.axis)
        )
    return layer


@_layer.register
def _parametric_relu(op: ParametricRelu, call: Call, options: dict[str, Any]) -> Any:
    import keras

    shared = [axis for axis, size in enumerate(op.alpha.shape, start=1) if size == 1]
    return keras.layers.PReLU(shared_axes=shared or None, **options)


@_layer.register
def _affine(op: Affine, call: Call, options: dict[str, Any]) -> Any:
    import keras

    return keras.layers.Rescaling(op.scale, op.offset, **options)


@_layer.register
def _layer_normalization(op: LayerNormalization, call: Call, options: dict[str, Any]) -> Any:
    import keras

    return keras.layers.LayerNormalization(
        axis=list(op.axes),
        epsilon=op.epsilon,
        center=op.beta is not None,
        scale=op.gamma is not None,
        **options,
    )


@_layer.register
def _batch_normalization(op: BatchNormalization, call: Call, options: dict[str, Any]) -> Any:
    import keras

    return keras.layers.BatchNormalization(
        axis=op.axis,
        epsilon=op.epsilon,
        center=op.beta is not None,
        scale=op.gamma is not None,
        **options,
    )


@_layer.register
def _merge(op: Merge, call: Call, options: dict[str, Any]) -> Any:
    import keras

    return getattr(keras.layers, _MERGES[op.kind])(**options)


@_layer.register
def _concatenate(op: Concatenate, call: Call, options: dict[str, Any]) -> Any:
    import keras

    return keras.layers.Concatenate(axis=op.axis, **options)


@_layer.register
def _reshape(op: Reshape, call: Call, options: dict[str, Any]) -> Any:
    import keras

    return keras.layers.Reshape(op.target, **options)


@_layer.register
def _permute(op: Permute, call: Call, options: dict[str, Any]) -> Any:
    import keras

    if 0 in op.order:
        raise NetworkError(
            subject_of(call),
            expected="batch as the first axis",
            got=f"the order {op.order}",
            advice="Keras 3 has no time_major; load the original file in Keras 2.",
        )
    return keras.layers.Permute(op.order, **options)


@_layer.register
def _repeat(op: Repeat, call: Call, options: dict[str, Any]) -> Any:
    import keras

    return keras.layers.RepeatVector(op.times, **options)


@_layer.register
def _pool(op: Pool, call: Call, options: dict[str, Any]) -> Any:
    import keras

    kind = "GlobalAveragePooling1D" if op.kind == "average" else "GlobalMaxPooling1D"
    return getattr(keras.layers, kind)(keepdims=op.keepdims, **options)
