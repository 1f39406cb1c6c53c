"""A live keras.Model from a network, with its weights, and the file that Keras makes of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from rnn_export.builders.live.spelling import keras_name
from rnn_export.builders.live.uses import Use, Uses
from rnn_export.errors import NetworkError, StoreError
from rnn_export.network import Network, TensorId, Weight
from rnn_export.network.dtypes import HALF
from rnn_export.unwritable import told


def keras_model(network: Network) -> Any:
    """Return a keras.Model, on whichever backend Keras runs here, that computes what the network says.

    Layer names, dtype policies and hints (dropout, unroll, RNN(cell) or SimpleRNN, initializers, ...) are
    those of the network; the model is a Sequential if its source says so, functional otherwise. Layers of
    nested models come out flat, named "outer_inner".

    Raises:
        NetworkError: something no Keras layer stands for, or a state that outlives the call.
    """
    if network.streams:
        raise NetworkError(
            network.source.name or "network",
            expected="a network without states that outlive the call",
            got=f"a stream at {network.streams[0].path!r}",
            advice="Make the Keras model first, then the streaming network.",
        )
    uses = Uses(network)
    sequential = dict(network.source.facts).get("class") == "Sequential" and _is_chain(
        network, uses
    )
    model = _sequential(network, uses) if sequential else _functional(network, uses)
    for variable, weight in uses.filling:
        _fill(variable(), weight, network)
    return model


def _fill(variable: Any, weight: Weight, network: Network) -> None:
    """Assign a weight to a variable, and see that it still has all of its bits."""
    import keras

    values = weight.read()
    # Not every backend takes NumPy arrays of 16 bits; float32 holds them exactly.
    variable.assign(values.astype(np.float32) if values.dtype.name in HALF else values)
    if values.dtype == np.float64:
        held = keras.ops.convert_to_numpy(variable.value).dtype
        if held != np.float64:
            raise NetworkError(
                network.source.name or "network",
                expected="a Keras that computes in float64",
                got=f"{held} on the backend {keras.backend.backend()}",
                advice="Set JAX_ENABLE_X64=1, or use another backend.",
            )


def save_keras(network: Network, path: str | os.PathLike[str]) -> None:
    """Write the network as a ``.keras`` file.

    Raises:
        NetworkError: as :func:`keras_model`.
        StoreError: another suffix, or a place that cannot be written.
    """
    target = Path(path)
    if target.suffix != ".keras":
        raise StoreError(
            str(target), expected="a name that ends in .keras", got=repr(target.suffix)
        )
    model = keras_model(network)
    try:
        model.save(target)
    except OSError as error:
        got, advice = told(error)
        raise StoreError(
            str(target), expected="a place that can be written to", got=got, advice=advice
        ) from error


def _is_chain(network: Network, uses: Uses) -> bool:
    """Tell whether each layer reads what the one before it made, and nothing else."""
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        return False
    at = network.inputs[0].tensor
    for use in uses.items:
        if use.inputs != (at,) or use.initial or use.mask or len(use.outputs) != 1:
            return False
        at = use.outputs[0]
    return network.outputs[0].tensor == at


def _input(network: Network, index: int) -> Any:
    import keras

    port = network.inputs[index]
    spec = network.spec(port.tensor)
    shape = tuple(size if isinstance(size, int) else None for size in spec.shape)
    return keras.Input(batch_shape=shape, dtype=spec.dtype, name=keras_name(port.name))


def _sequential(network: Network, uses: Uses) -> Any:
    import keras

    layers = [
        layer for use in uses.items for layer in (*use.before, use.layer, *use.after)
    ] + _renaming(network.outputs[0].name, _last_name(uses.items[-1]))
    return keras.Sequential([_input(network, 0), *layers], name=_model_name(network))


def _functional(network: Network, uses: Uses) -> Any:
    import keras

    inputs = [_input(network, index) for index in range(len(network.inputs))]
    held: dict[TensorId, Any] = {
        port.tensor: made for port, made in zip(network.inputs, inputs, strict=True)
    }
    names: dict[TensorId, str] = {port.tensor: port.name for port in network.inputs}
    for use in uses.items:
        made = keras.tree.flatten(_called(use, held))
        for layer in use.after:
            made[0] = layer(made[0])
        held.update(zip(use.outputs, made, strict=True))
        names.update(dict.fromkeys(use.outputs[1:], use.layer.name))
        names[use.outputs[0]] = _last_name(use)
    taken = {port.name for port in network.inputs}
    outputs = []
    for port in network.outputs:
        # A repeated name gets a suffix, here as in rnn_export.network.Draft.
        unique, count = names[port.tensor], 1
        while unique in taken:
            unique, count = f"{names[port.tensor]}_{count}", count + 1
        end = held[port.tensor]
        for layer in _renaming(port.name, unique):
            end = layer(end)
        taken.add(port.name)
        outputs.append(end)
    name = _model_name(network)
    return keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs, name=name)


def _called(use: Use, held: dict[TensorId, Any]) -> Any:
    given = [held[tensor] for tensor in use.inputs]
    for layer in use.before:
        given[0] = layer(given[0])
    options: dict[str, Any] = {}
    if use.initial:
        options["initial_state"] = [held[tensor] for tensor in use.initial]
    if use.mask is not None:
        options["mask"] = held[use.mask]
    return use.layer(given if use.listed else given[0], **options)


def _last_name(use: Use) -> str:
    return str((use.after[-1] if use.after else use.layer).name)


def _renaming(wanted: str, name: str) -> list[Any]:
    """Return a layer that does nothing but give an output the name that its port has."""
    import keras

    return [] if wanted == name else [keras.layers.Identity(name=keras_name(wanted))]


def _model_name(network: Network) -> str:
    return keras_name(network.source.name or "network")
