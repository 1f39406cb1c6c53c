"""How Keras spells what a network holds as plain data: activations, dtype policies, names."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

from rnn_export.errors import NetworkError
from rnn_export.network import Activation, Weight, activation
from rnn_export.network.dtypes import HALF


def keras_activation(act: Activation, subject: str) -> Any:
    """Return what a layer takes as ``activation=``: a name, or an activation layer that holds parameters.

    Raises:
        NetworkError: parameters that no layer of Keras 3 carries.
    """
    if act == activation(act.name):
        return act.name
    layer = activation_layer(act)
    if layer is None:
        raise NetworkError(
            subject,
            expected="an activation that Keras 3 can hold in a layer",
            got=str(act),
            advice="Run the original model; Keras 3 has this function only with its default parameters.",
        )
    return layer


def activation_layer(act: Activation, **options: Any) -> Any:
    """Return the Keras layer that applies ``act``, None if there is none; ``options`` are name and dtype."""
    import keras

    if act == activation(act.name):
        return keras.layers.Activation(act.name, **options)
    given: dict[str, float | None] = dict(act.options)
    if act.name == "elu":
        return keras.layers.ELU(**given, **options)
    if act.name == "leaky_relu":
        return keras.layers.LeakyReLU(**given, **options)
    if act.name == "relu":
        limit = act.options["max_value"]
        return keras.layers.ReLU(
            **{**given, "max_value": limit if isfinite(limit) else None}, **options
        )
    return None


def keras_policy(compute: str, weights: Iterable[Weight], subject: str) -> str:
    """Return the dtype policy of a layer that computes in ``compute`` and stores these weights.

    Raises:
        NetworkError: weights of a dtype that no policy combines with it.
    """
    stored = {weight.dtype.name for weight in weights}
    if stored <= {compute}:
        return compute
    if stored == {"float32"} and compute in HALF:
        return f"mixed_{compute}"
    raise NetworkError(
        subject,
        expected=f"weights in {compute}, or in float32 for a mixed policy",
        got=", ".join(sorted(stored)),
        advice="Keras has no dtype policy for that.",
    )


def keras_name(path: str) -> str:
    """Return a layer's path as one Keras name; those of nested models become part of it."""
    return path.replace("/", "_")
