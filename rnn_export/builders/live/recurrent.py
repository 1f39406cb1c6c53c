"""SimpleRNN, RNN over one or several cells, and Bidirectional from Recurrent ops and their hints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnn_export.builders.live.layers import Filling, Made, attribute, subject_of
from rnn_export.builders.live.spelling import keras_activation, keras_name, keras_policy
from rnn_export.errors import NetworkError
from rnn_export.network import Call, Weight, op_weights
from rnn_export.network.ops import Cell, Recurrent

CELL_HINTS = (
    "kernel_initializer",
    "recurrent_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "recurrent_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "recurrent_constraint",
    "bias_constraint",
    "dropout",
    "recurrent_dropout",
    "seed",
)
"""Parameters of a cell that matter in training alone; in a network they are hints."""

LAYER_HINTS = ("activity_regularizer", "trainable", "unroll")
"""The same, of a layer over cells."""


def recurrent_layer(call: Call, *, name: str | None = None, backward: bool | None = None) -> Made:
    """Return the layer of a Recurrent call.

    Args:
        call: the call; hint "class" chooses between SimpleRNN and RNN, "cell" names a single cell, "cells"
            holds one mapping of hints for each of several.
        name: the layer's name, where it is not the call's.
        backward: go_backwards, where it is not the op's.

    Raises:
        NetworkError: emits that no Keras layer has, or a parameter that Keras does not take.
    """
    import keras

    op = call.op
    assert isinstance(op, Recurrent)
    _check_emits(op, call)
    hints = dict(call.hints)
    weights = tuple(weight for _, weight in op_weights(op, call.layer))
    policy = keras_policy(call.dtype, weights, subject_of(call))
    options: dict[str, Any] = {key: hints[key] for key in LAYER_HINTS if key in hints} | {
        "return_sequences": "sequence" in op.emits,
        "return_state": "state" in op.emits,
        "go_backwards": op.go_backwards if backward is None else backward,
        "zero_output_for_mask": op.zero_output_for_mask,
        "name": name or keras_name(call.layer),
        "dtype": policy,
    }
    spelled = hints.get("class", "SimpleRNN" if len(op.cells) == 1 else "RNN")
    try:
        if spelled == "SimpleRNN" and len(op.cells) == 1:
            layer = keras.layers.SimpleRNN(
                **_cell_options(op.cells[0], hints, call, policy), **options
            )
            cells = [layer.cell]
        else:
            cells = _cells(op, hints, call, policy)
            # RNN would wrap a plain list in a stack of the global dtype.
            inner = (
                cells[0] if len(cells) == 1 else keras.layers.StackedRNNCells(cells, dtype=policy)
            )
            layer = keras.layers.RNN(inner, **options)
    except (TypeError, ValueError) as error:
        raise NetworkError(
            subject_of(call), expected="parameters that Keras takes", got=str(error).splitlines()[0]
        ) from error
    filling: Filling = []
    for made, cell in zip(cells, op.cells, strict=True):
        filling += _filling(made, cell)
    return Made(layer, filling)


def _check_emits(op: Recurrent, call: Call) -> None:
    if ("sequence" in op.emits) == ("output" in op.emits):
        raise NetworkError(
            subject_of(call),
            expected="either the sequence or the last output, as Keras returns it",
            got=f"emits {', '.join(op.emits)}",
            advice="Make the Keras model from the network before it was changed.",
        )


def _cells(op: Recurrent, hints: Mapping[str, object], call: Call, policy: str) -> list[Any]:
    import keras

    each = hints.get("cells")
    spelled = list(each) if isinstance(each, (list, tuple)) else [hints] * len(op.cells)
    made = []
    for cell, own in zip(op.cells, spelled, strict=True):
        name = cell.name or hints.get("cell", "simple_rnn_cell")
        options = _cell_options(cell, own, call, policy)
        made.append(keras.layers.SimpleRNNCell(**options, name=name, dtype=policy))
    return made


def _cell_options(
    cell: Cell, hints: Mapping[str, object], call: Call, policy: str
) -> dict[str, Any]:
    options = {key: hints[key] for key in CELL_HINTS if key in hints}
    if policy == "bfloat16" and options.get("recurrent_initializer", "orthogonal") == "orthogonal":
        # TensorFlow has no QR decomposition in bfloat16, so Keras could not even load the model.
        options["recurrent_initializer"] = "glorot_uniform"
    return options | {
        "units": cell.units,
        "activation": keras_activation(cell.activation, subject_of(call)),
        "use_bias": cell.bias is not None,
    }


def _filling(made: Any, cell: Cell) -> Filling:
    weights: dict[str, Weight | None] = {
        "kernel": cell.kernel,
        "recurrent_kernel": cell.recurrent_kernel,
        "bias": cell.bias,
    }
    return [
        (attribute(made, name), weight) for name, weight in weights.items() if weight is not None
    ]


def bidirectional_layer(forward: Call, backward: Call, mode: str | None) -> Made:
    """Return the Bidirectional of two Recurrent calls ("bi/forward_x", "bi/backward_x").

    Args:
        forward: the call that runs forwards.
        backward: the one that runs backwards.
        mode: merge_mode.
    """
    import keras

    path, _, part = forward.layer.rpartition("/")
    inner = part.removeprefix("forward_")
    own = backward.layer.rpartition("/")[2]
    one = recurrent_layer(forward, name=inner)
    two = recurrent_layer(backward, name=own)
    # Without a backward layer, Keras makes one like the forward layer and names it after that.
    alike = own == f"backward_{inner}" and _alike(one.layer, two.layer)
    layer = keras.layers.Bidirectional(
        one.layer,
        merge_mode=mode,
        backward_layer=None if alike else two.layer,
        name=keras_name(path),
        dtype=one.layer.dtype_policy.name,
    )
    filling: Filling = []
    for half, call in (("forward_layer", forward), ("backward_layer", backward)):
        op = call.op
        assert isinstance(op, Recurrent)
        cell = getattr(layer, half).cell
        cells = cell.cells if len(op.cells) > 1 else [cell]
        for made, described in zip(cells, op.cells, strict=True):
            filling += _filling(made, described)
    return Made(layer, filling)


def _alike(one: Any, two: Any) -> bool:
    """Tell whether two layers differ in name and direction at most."""
    first, second = one.get_config(), two.get_config()
    for config in (first, second):
        config.pop("name")
        config.pop("go_backwards")
    return bool(first == second)
