"""Compares a network that was read with the live Keras model, by a bound that follows from its sizes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from rnn_export.builders.reference import trace
from rnn_export.network import Network
from rnn_export.network.ops import BatchNormalization, LayerNormalization, Merge, Recurrent

U = 2.0**-53


def quietly(make: Any, *args: Any, **options: Any) -> Any:
    """Return ``make(...)`` without Keras' warnings: it gives one whenever a layer ends a mask, or a file is legacy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return make(*args, **options)


def keras_outputs(model: Any, given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the model's outputs, flat, in Keras' order."""
    fed = [given[tensor.name] for tensor in model.inputs]
    made = quietly(model, fed if len(fed) > 1 else fed[0])
    return [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(made)]


def bound(network: Network, values: dict[str, np.ndarray]) -> float:
    """Return how far two correct float64 evaluations may lie apart.

    Every call rounds at most gamma_n of its largest value, n its widest sum, and takes 8 roundings for its activation;
    every call after it makes that at most ``growth`` times larger: recurrent layers double it (their kernels'
    columns sum to 1, the recurrent ones' to 1/2), merges add or multiply, normalisations divide by sqrt(epsilon).
    """
    size = max(
        (np.nanmax(np.abs(x), initial=1.0) for x in values.values() if x.dtype.kind == "f"),
        default=1.0,
    )
    widest, growth = 8.0, 1.0
    for call in network.calls:
        for tensor in (*call.reads, *call.outputs):
            widest = max(widest, 8.0 + float(np.prod(values[tensor].shape[1:])))
        if isinstance(call.op, Recurrent):
            growth *= 2.0 ** len(call.op.cells)
        elif isinstance(call.op, Merge):
            growth *= len(call.inputs) * max(1.0, size if call.op.kind == "multiply" else 1.0)
        elif isinstance(call.op, (LayerNormalization, BatchNormalization)):
            growth *= 4.0 * max(1.0, size) / call.op.epsilon
    return float(U * len(network.calls) * widest * size * growth)


def agree(network: Network, model: Any, given: Mapping[str, np.ndarray]) -> None:
    """Assert that the network, evaluated in float64, gives what Keras gives."""
    ports = [port.name for port in network.inputs if not port.name.endswith("/h_in")]
    fed = dict(zip(ports, (given[tensor.name] for tensor in model.inputs), strict=True))
    for port in network.inputs:
        if port.name.endswith("/h_in"):
            sizes = network.spec(port.tensor).shape
            fed[port.name] = np.zeros([size for size in sizes if isinstance(size, int)])
    values = trace(network, fed, np.float64)
    wanted = keras_outputs(model, given)
    outputs = [port for port in network.outputs if not port.name.endswith("/h_out")]
    assert len(wanted) == len(outputs)
    allowed = bound(network, values)
    for port, want in zip(outputs, wanted, strict=True):
        got = values[port.tensor]
        assert got.shape == want.shape
        assert np.array_equal(np.isnan(got), np.isnan(want))
        assert np.nanmax(np.abs(got - want), initial=0.0) <= allowed, port.name


def layer_kinds(model: Any) -> set[str]:
    """Return the classes of all layers in and under a model."""
    return {type(layer).__name__ for layer in model._flatten_layers()}
