"""The recurrent steps of a recipe: SimpleRNN, cells, stacks, Bidirectional, states handed on, masks by hand."""

from __future__ import annotations

from typing import Any

import keras

from tests.property.keras_bench import Bench, Item
from tests.property.keras_models import Step

L = keras.layers
MODES = ("concat", "sum", "mul", "ave", None)


def rnn_options(step: Step) -> dict[str, Any]:
    return {
        "return_sequences": step.flags[0],
        "go_backwards": step.flags[1],
        "zero_output_for_mask": step.flags[2],
        "return_state": step.flags[3],
    }


def cell_options(bench: Bench, step: Step) -> dict[str, Any]:
    return {
        "activation": bench.function(step),
        "use_bias": step.flags[4],
        "dropout": 0.25 * step.flags[5],
        # Keras on TensorFlow makes no orthogonal matrices in bfloat16.
        "recurrent_initializer": "glorot_uniform",
    }


def unroll(item: Item, step: Step) -> dict[str, Any]:
    return {"unroll": step.flags[6] and item.tensor.shape[1] is not None}


def outputs(made: Any, item: Item, step: Step, sizes: tuple[int, ...]) -> list[Item]:
    """Return a recurrent layer's outputs as items: the states first, so that the output is the latest."""
    time = item.time if step.flags[0] else None
    if not step.flags[3]:
        return [Item(made, time, sizes[-1])]
    first, *states = keras.tree.flatten(made)
    flat = [Item(state, None, size) for state, size in zip(states, sizes, strict=True)]
    return [*flat, Item(first, time, sizes[-1])]


def simple_rnn(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    options = {**rnn_options(step), **cell_options(bench, step), **unroll(item, step)}
    layer = bench.layer(L.SimpleRNN, step.units, **options, stateful=bench.stateful)
    start = bench.pick(step.other, sequence=False) if step.flags[7] else None
    if start is None:
        return outputs(layer(item.tensor), item, step, (step.units,))
    state = bench.matched(start, step.units).tensor
    given = [state] if step.choice % 2 else state
    return outputs(layer(item.tensor, initial_state=given), item, step, (step.units,))


def rnn_cell(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    cell = bench.layer(L.SimpleRNNCell, step.units, **cell_options(bench, step))
    options = {**rnn_options(step), **unroll(item, step)}
    layer = bench.layer(L.RNN, cell, **options, stateful=bench.stateful)
    return outputs(layer(item.tensor), item, step, (step.units,))


def rnn_stack(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    # Keras itself fails on a stack of one cell under a mask.
    sizes = tuple(step.units + index for index in range(2 + step.choice % 2))
    cells: Any = [bench.layer(L.SimpleRNNCell, size, **cell_options(bench, step)) for size in sizes]
    if step.flags[7] or bench.dtype != keras.config.floatx():
        # A bare list becomes a StackedRNNCells of the global dtype policy, whatever the layer's own.
        cells = bench.layer(L.StackedRNNCells, cells)
    layer = bench.layer(L.RNN, cells, **rnn_options(step))
    return outputs(layer(item.tensor), item, step, sizes)


def bidirectional(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    options = {"return_sequences": step.flags[0], "return_state": step.flags[3]}
    mode, units = MODES[step.choice % 5], step.units
    forward = bench.layer(L.SimpleRNN, units, **options, **cell_options(bench, step))
    backward = None
    if step.flags[6]:
        # Of as many units: Keras works out the shape of its output from the forward layer alone.
        own = {**cell_options(bench, step), "activation": "tanh", "go_backwards": True}
        backward = bench.layer(L.SimpleRNN, units, **own, **options)
    layer = bench.layer(L.Bidirectional, forward, merge_mode=mode, backward_layer=backward)
    found = keras.tree.flatten(layer(item.tensor))
    time = item.time if step.flags[0] else None
    states: list[Item] = []
    if step.flags[3]:
        *found, a, b = found
        states = [Item(a, None, units), Item(b, None, units)]
    size = 2 * units if mode == "concat" else units
    return [*states, *(Item(x, time, size) for x in found)]


def encoder_decoder(bench: Bench, step: Step) -> list[Item]:
    source, target = bench.sequence(step), bench.pick(step.other, sequence=True)
    assert target is not None
    encoder = bench.layer(L.SimpleRNN, step.units, return_state=True, **cell_options(bench, step))
    _, state = encoder(source.tensor)
    decoder = bench.layer(
        L.SimpleRNN, step.units, return_sequences=True, **cell_options(bench, step)
    )
    return [Item(decoder(target.tensor, initial_state=state), target.time, step.units)]


def explicit_mask(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    prefix = "x2" if item.time == "x2_time" else "x"
    if item.time not in ("time", "x2_time"):
        return []
    name = bench.named(f"{prefix}_mask")
    mask = keras.Input(item.tensor.shape[1:2], bench.batch, name=name, dtype="bool")
    bench.inputs.append(mask)
    layer = bench.layer(L.SimpleRNN, step.units, **rnn_options(step), **cell_options(bench, step))
    return outputs(layer(item.tensor, mask=mask), item, step, (step.units,))
