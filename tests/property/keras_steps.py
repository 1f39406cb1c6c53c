"""The steps of a recipe, each as a function from the bench to new tensors on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras

from tests.property.keras_models import Step

L = keras.layers
MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
MODES = ("concat", "sum", "mul", "ave", None)


@dataclass(frozen=True)
class Item:
    """A tensor on the bench: (batch, time, features), or (batch, features) where ``time`` is None."""

    tensor: Any
    time: str | None
    features: int
    is_input: bool = False


@dataclass
class Bench:
    """The tensors made so far, and how layers are made: each with a name of its own and one dtype policy."""

    dtype: str
    named: Callable[[str], str]
    items: list[Item] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    layers: list[tuple[Any, Item]] = field(default_factory=list)

    def layer(self, kind: Any, *args: Any, **options: Any) -> Any:
        return kind(*args, **options, dtype=self.dtype, name=self.named(kind.__name__.lower()))

    def apply(self, kind: Any, item: Item, *args: Any, **options: Any) -> Item:
        return Item(self.layer(kind, *args, **options)(item.tensor), item.time, item.features)

    def identity(self, item: Item) -> Item:
        return self.apply(L.Activation, item, "tanh")

    def pick(self, number: int, *, sequence: bool) -> Item | None:
        fitting = [item for item in self.items if (item.time is not None) == sequence]
        return fitting[-1 - number % len(fitting)] if fitting else None

    def sequence(self, step: Step) -> Item:
        found = self.pick(step.tensor, sequence=True)
        assert found is not None  # The inputs are sequences.
        return found

    def matched(self, item: Item, features: int) -> Item:
        """Return the item with so many features, by a Dense layer if need be."""
        if item.features == features:
            return item
        made = self.apply(L.Dense, item, features)
        return Item(made.tensor, item.time, features)


def rnn_options(step: Step) -> dict[str, Any]:
    return {
        "return_sequences": step.flags[0],
        "go_backwards": step.flags[1],
        "zero_output_for_mask": step.flags[2],
        "return_state": step.flags[3],
    }


def cell_options(step: Step) -> dict[str, Any]:
    return {
        "activation": step.activation,
        "use_bias": step.flags[4],
        "dropout": 0.25 * step.flags[5],
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
    options = {**rnn_options(step), **cell_options(step), **unroll(item, step)}
    layer = bench.layer(L.SimpleRNN, step.units, **options)
    start = bench.pick(step.other, sequence=False) if step.flags[7] else None
    if start is None:
        return outputs(layer(item.tensor), item, step, (step.units,))
    state = bench.matched(start, step.units).tensor
    given = [state] if step.choice % 2 else state
    return outputs(layer(item.tensor, initial_state=given), item, step, (step.units,))


def rnn_cell(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    cell = bench.layer(L.SimpleRNNCell, step.units, **cell_options(step))
    layer = bench.layer(L.RNN, cell, **rnn_options(step), **unroll(item, step))
    return outputs(layer(item.tensor), item, step, (step.units,))


def rnn_stack(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    # Keras itself fails on a stack of one cell under a mask.
    sizes = tuple(step.units + index for index in range(2 + step.choice % 2))
    cells: Any = [bench.layer(L.SimpleRNNCell, size, **cell_options(step)) for size in sizes]
    if step.flags[7] or bench.dtype != keras.config.floatx():
        # A bare list becomes a StackedRNNCells of the global dtype policy, whatever the layer's own.
        cells = bench.layer(L.StackedRNNCells, cells)
    layer = bench.layer(L.RNN, cells, **rnn_options(step))
    return outputs(layer(item.tensor), item, step, sizes)


def both_ways(bench: Bench, step: Step) -> tuple[Any, int]:
    options = {"return_sequences": step.flags[0], "return_state": step.flags[3]}
    mode = MODES[step.choice % 5]
    forward = bench.layer(L.SimpleRNN, step.units, **options, **cell_options(step))
    backward, units = None, step.units
    if step.flags[6]:
        units = step.units + (step.flags[7] and mode in ("concat", None))
        backward = bench.layer(L.SimpleRNN, units, go_backwards=True, activation="tanh", **options)
    return bench.layer(L.Bidirectional, forward, merge_mode=mode, backward_layer=backward), units


def bidirectional(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    layer, units = both_ways(bench, step)
    found = keras.tree.flatten(layer(item.tensor))
    time, mode = item.time if step.flags[0] else None, MODES[step.choice % 5]
    states: list[Item] = []
    if step.flags[3]:
        *found, a, b = found
        states = [Item(a, None, step.units), Item(b, None, units)]
    sizes = [step.units, units] if mode is None else [step.units + units * (mode == "concat")]
    return [*states, *(Item(x, time, size) for x, size in zip(found, sizes, strict=True))]


def encoder_decoder(bench: Bench, step: Step) -> list[Item]:
    source, target = bench.sequence(step), bench.pick(step.other, sequence=True)
    assert target is not None
    encoder = bench.layer(L.SimpleRNN, step.units, return_state=True, **cell_options(step))
    _, state = encoder(source.tensor)
    decoder = bench.layer(L.SimpleRNN, step.units, return_sequences=True, **cell_options(step))
    return [Item(decoder(target.tensor, initial_state=state), target.time, step.units)]


def explicit_mask(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    prefix = "x2" if item.time == "x2_time" else "x"
    if item.time not in ("time", "x2_time"):
        return []
    mask = keras.Input(item.tensor.shape[1:2], name=bench.named(f"{prefix}_mask"), dtype="bool")
    bench.inputs.append(mask)
    layer = bench.layer(L.SimpleRNN, step.units, **rnn_options(step), **cell_options(step))
    return outputs(layer(item.tensor, mask=mask), item, step, (step.units,))


def dense(bench: Bench, step: Step) -> list[Item]:
    item = bench.items[-1 - step.tensor % len(bench.items)]
    options = {"activation": step.activation, "use_bias": step.flags[4]}
    made = bench.apply(L.Dense, item, step.units, **options)
    return [Item(made.tensor, item.time, step.units)]


def time_distributed(bench: Bench, step: Step) -> list[Item]:
    item = bench.sequence(step)
    inner = bench.layer(L.Dense, step.units, activation=step.activation)
    if step.flags[0]:
        inner = keras.Sequential(
            [keras.Input((item.features,), dtype=bench.dtype), inner], name=bench.named("steps")
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
    rnn = bench.layer(L.SimpleRNN, step.units, return_sequences=True, activation=step.activation)
    given = keras.Input((None, features), dtype=bench.dtype)
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
    layer = bench.layer(L.SimpleRNN, step.units, return_sequences=True, **cell_options(step))
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
        bench.apply(L.Activation, bench.sequence(step), step.activation)
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
}


def stacked(bench: Bench, step: Step) -> Any:
    cells = [bench.layer(L.SimpleRNNCell, step.units + k) for k in range(2)]
    return bench.layer(L.StackedRNNCells, cells)


def _alone(step: Step) -> dict[str, Any]:
    return {**rnn_options(step), "return_state": False}


SEQUENTIAL: dict[str, Callable[[Bench, Step], tuple[Any, bool]]] = {
    "simple_rnn": lambda bench, step: (
        bench.layer(L.SimpleRNN, step.units, **_alone(step), **cell_options(step)),
        not step.flags[0],
    ),
    "rnn_stack": lambda bench, step: (
        bench.layer(L.RNN, stacked(bench, step), **_alone(step)),
        not step.flags[0],
    ),
    "dense": lambda bench, step: (
        bench.layer(L.Dense, step.units, activation=step.activation),
        False,
    ),
    "dropout": lambda bench, step: (bench.layer(L.SpatialDropout1D, 0.2), False),
    "masking": lambda bench, step: (bench.layer(L.Masking), False),
    "layer_norm": lambda bench, step: (bench.layer(L.LayerNormalization, epsilon=0.5), False),
    "pool": lambda bench, step: (bench.layer(L.GlobalAveragePooling1D), True),
}
