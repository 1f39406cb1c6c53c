"""The steps of a recipe, each as a function from the bench to new tensors on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from tests.property.keras_bench import Bench, Item
from tests.property.keras_models import Step
from tests.property.keras_recurrent_steps import (
    bidirectional,
    cell_options,
    encoder_decoder,
    explicit_mask,
    rnn_cell,
    rnn_options,
    rnn_stack,
    simple_rnn,
)

L = keras.layers
MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")


def dense(bench: Bench, step: Step) -> list[Item]:
    item = bench.items[-1 - step.tensor % len(bench.items)]
    options = {"activation": bench.function(step), "use_bias": step.flags[4]}
    made = bench.apply(L.Dense, item, step.units, **options)
    return [Item(made.tensor, item.time, step.units)]


def time_distributed(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    inner = bench.layer(L.Dense, step.units, activation=bench.function(step))
    if step.flags[0]:
        inner = keras.Sequential(
            [keras.Input((item.features,), bench.batch, dtype=bench.values), inner],
            name=bench.named("steps"),
        )
    made = bench.apply(L.TimeDistributed, item, inner)
    return [Item(made.tensor, item.time, step.units)]


def merge(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    others = [x for x in bench.items if x.time == item.time and x is not item]
    found = [item, *others[::-1][: 1 + step.flags[0]]]
    kind = MERGES[step.choice % 6]
    if kind == "Subtract":
        found = found[:2]
    if len(found) < 2:
        return []
    same = [bench.matched(x, item.features).tensor for x in found]
    return [Item(bench.layer(getattr(L, kind))(same), item.time, item.features)]


def concat_features(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    found = [item, *[x for x in bench.items if x.time == item.time and x is not item][:2]]
    made = bench.layer(L.Concatenate)([x.tensor for x in found])
    return [Item(made, item.time, sum(x.features for x in found))]


def concat_time(bench: Bench, step: Step) -> list[Item]:
    item, other = bench.sequence(step), bench.pick(step.other, sequence=True)
    assert other is not None
    found = [item.tensor, bench.matched(other, item.features).tensor]
    made = bench.layer(L.Concatenate, axis=1)(found)
    return [Item(made, f"{item.time}+{other.time}", item.features)]


def nested_model(bench: Bench, step: Step, features: int) -> tuple[Any, int]:
    """Return an inner model on sequences and its number of features; a Sequential or a functional one."""
    options = {**cell_options(bench, step), "return_sequences": True}
    rnn = bench.layer(L.SimpleRNN, step.units, **options)
    given = keras.Input((None, features), bench.batch, dtype=bench.values)
    first = [bench.layer(L.Masking)] if step.flags[1] else []
    name = bench.named("inner")
    if step.flags[2]:
        return keras.Sequential([given, *first, rnn], name=name), step.units
    x = first[0](given) if first else given
    joined = bench.layer(L.Concatenate)([x, rnn(x)])
    return keras.Model(given, joined, name=name), features + step.units


def nested(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    model, features = nested_model(bench, step, item.features)
    bench.layers.append((model, Item(None, item.time, features)))
    made = [Item(model(item.tensor), item.time, features)]
    other = bench.pick(step.other, sequence=True)
    if step.flags[0] and other is not None and other is not item:
        made.append(Item(model(bench.matched(other, item.features).tensor), other.time, features))
    return made


def shared(bench: Bench, step: Step) -> list[Item]:
    """One layer, called on two tensors."""
    item, other = bench.sequence(step), bench.pick(step.other, sequence=True)
    assert other is not None
    layer = bench.layer(L.SimpleRNN, step.units, return_sequences=True, **cell_options(bench, step))
    found = [(item, item), (other, bench.matched(other, item.features))]
    return [Item(layer(x.tensor), origin.time, step.units) for origin, x in found]


def pool(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    kind = L.GlobalMaxPooling1D if step.flags[0] else L.GlobalAveragePooling1D
    return [Item(bench.layer(kind)(item.tensor), None, item.features)]


def repeat(bench: Bench, step: Step) -> list[Item]:
    item = bench.pick(step.tensor, sequence=False)
    if item is None:
        return []
    return [Item(bench.layer(L.RepeatVector, 6)(item.tensor), "6", item.features)]


def permute(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    length = item.tensor.shape[1]
    if length is None:
        return []
    return [Item(bench.layer(L.Permute, (2, 1))(item.tensor), f"{item.features}", length)]


def flatten(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    length = item.tensor.shape[1]
    if length is None:
        return []
    made = bench.layer(L.Flatten)(item.tensor)
    return [Item(made, None, length * item.features)]


def simple(kind: Any, *args: Any, **options: Any) -> Callable[[Bench, Step], list[Item]]:
    """Return a step that puts one more layer on a sequence."""
    return lambda bench, step: [bench.apply(kind, bench.sequence(step), *args, **options)]


def reshape(bench: Bench, step: Step) -> list[Item]:
    """Cut every step in pieces, and so make more steps of them."""
    item = bench.sequence(step)
    length = item.tensor.shape[1]
    if length is None or item.features % 2:
        return []
    made = bench.layer(L.Reshape, (-1, item.features // 2))(item.tensor)
    return [Item(made, f"2*{item.time}", item.features // 2)]


BUILDERS: dict[str, Callable[[Bench, Step], list[Item]]] = {
    "simple_rnn": simple_rnn,
    "rnn_cell": rnn_cell,
    "rnn_stack": rnn_stack,
    "bidirectional": bidirectional,
    "encoder_decoder": encoder_decoder,
    "explicit_mask": explicit_mask,
    "dense": dense,
    "time_distributed": time_distributed,
    "activation": lambda bench, step: [
        bench.apply(L.Activation, bench.sequence(step), bench.function(step))
    ],
    "dropout": simple(L.Dropout, 0.3),
    "masking": simple(L.Masking),
    "merge": merge,
    "concat_features": concat_features,
    "concat_time": concat_time,
    "layer_norm": simple(L.LayerNormalization, epsilon=0.5),
    "batch_norm": simple(L.BatchNormalization, epsilon=0.5),
    "nested": nested,
    "shared": shared,
    "pool": pool,
    "repeat": repeat,
    "permute": permute,
    "flatten": flatten,
    "leaky_relu": simple(L.LeakyReLU, 0.1),
    "prelu": simple(L.PReLU, shared_axes=[1]),
    "softmax": simple(L.Activation, "softmax"),
    "noise": simple(L.GaussianNoise, 0.2),
    "reshape": reshape,
    "rescaling": simple(L.Rescaling, 0.5, -0.25),
}


def stacked(bench: Bench, step: Step) -> Any:
    cells = [
        bench.layer(L.SimpleRNNCell, step.units + k, **cell_options(bench, step)) for k in range(2)
    ]
    return bench.layer(L.StackedRNNCells, cells)


def _alone(step: Step) -> dict[str, Any]:
    return {**rnn_options(step), "return_state": False}


SEQUENTIAL: dict[str, Callable[[Bench, Step], tuple[Any, bool]]] = {
    "simple_rnn": lambda bench, step: (
        bench.layer(L.SimpleRNN, step.units, **_alone(step), **cell_options(bench, step)),
        not step.flags[0],
    ),
    "rnn_stack": lambda bench, step: (
        bench.layer(L.RNN, stacked(bench, step), **_alone(step)),
        not step.flags[0],
    ),
    "dense": lambda bench, step: (
        bench.layer(L.Dense, step.units, activation=bench.function(step)),
        False,
    ),
    "dropout": lambda bench, step: (bench.layer(L.SpatialDropout1D, 0.2), False),
    "masking": lambda bench, step: (bench.layer(L.Masking), False),
    "layer_norm": lambda bench, step: (bench.layer(L.LayerNormalization, epsilon=0.5), False),
    "pool": lambda bench, step: (bench.layer(L.GlobalAveragePooling1D), True),
}
