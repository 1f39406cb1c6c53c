"""Functions that make the models of ``cases``: masked sequences through layers, joins, states, inner models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from tests.unit.readers.models import F64, TOKENS, L, dense, masked, model, rnn, sequence

Make = Callable[[], Any]


def on_masked(*layers: Any, time: int | None = None) -> Make:
    """Return a model: a masked sequence through these layers (made anew each time)."""

    def make() -> Any:
        x = sequence(time=time)
        y = masked(x)
        for layer in layers:
            y = layer()(y)
        return model(x, y)

    return make


def joined(kind: str, masks: tuple[bool, ...], **options: Any) -> Make:
    """Return a model: several sequences, some masked, joined, and run through an RNN that shows the mask."""

    def make() -> Any:
        inputs = [sequence(f"x{index}") for index in range(len(masks))]
        ends = [dense()(masked(x) if mask else x) for x, mask in zip(inputs, masks, strict=True)]
        return model(inputs, rnn(3)(getattr(L, kind)(**options, **F64)(ends)))

    return make


RNN_OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "last": {"return_sequences": False},
    "backwards": {"go_backwards": True},
    "backwards-last": {"go_backwards": True, "return_sequences": False},
    "zero": {"zero_output_for_mask": True},
    "zero-last": {"zero_output_for_mask": True, "return_sequences": False},
    "state": {"return_state": True},
    "state-last": {"return_state": True, "return_sequences": False},
    "no-bias": {"use_bias": False},
    "dropout": {"dropout": 0.3, "recurrent_dropout": 0.2},
    "relu": {"activation": "relu"},
    "regularized": {"kernel_regularizer": "l2", "bias_constraint": "non_neg"},
}


def stack(**options: Any) -> Any:
    cells = [L.SimpleRNNCell(units, **F64) for units in (6, 4, 2)]
    return L.RNN(L.StackedRNNCells(cells, **F64), **{"return_sequences": True, **F64, **options})


def nested_stack() -> Any:
    inner = L.StackedRNNCells(
        [L.SimpleRNNCell(units, name="same", **F64) for units in (6, 4)], **F64
    )
    return L.RNN(L.StackedRNNCells([inner, L.SimpleRNNCell(2, name="same", **F64)], **F64), **F64)


def both(mode: str | None, **options: Any) -> Any:
    return L.Bidirectional(rnn(**options), merge_mode=mode, **F64)


def two_ways_of_its_own() -> Any:
    backward = rnn(6, go_backwards=True, activation="relu")
    return L.Bidirectional(rnn(), backward_layer=backward, **F64)


def turned_round() -> Any:
    return L.Bidirectional(rnn(go_backwards=True), backward_layer=rnn(6), **F64)


def states_handed_over() -> Any:
    x, y = sequence(), sequence("y")
    _, state = rnn(return_state=True, return_sequences=False)(masked(x))
    return model([x, y], rnn()(masked(y), initial_state=state))


def states_from_inputs() -> Any:
    x, h, g = sequence(), keras.Input((6,), name="h", **F64), keras.Input((4,), name="g", **F64)
    cells = L.StackedRNNCells([L.SimpleRNNCell(6, **F64), L.SimpleRNNCell(4, **F64)], **F64)
    layer = L.RNN(cells, return_sequences=True, return_state=True, **F64)
    return model([x, h, g], layer(masked(x), initial_state=[h, g]))


def states_for_both_ways() -> Any:
    x, h = sequence(), keras.Input((4,), name="h", **F64)
    return model([x, h], both("sum", return_state=True)(masked(x), initial_state=[h, dense()(h)]))


def explicit_mask(**options: Any) -> Any:
    x, mask = sequence(), keras.Input((None,), name="mask", dtype="bool")
    return model([x, mask], rnn(3)(rnn(**options)(x, mask=mask)))


def explicit_over_implicit() -> Any:
    x, mask = sequence(), keras.Input((None,), name="mask", dtype="bool")
    return model([x, mask], rnn(3)(rnn()(masked(x), mask=mask)))


def mask_of_numbers() -> Any:
    x, mask = sequence(), keras.Input((None,), name="mask", dtype="int32")
    return model([x, mask], rnn()(x, mask=mask))


def tokens(mask_zero: bool) -> Any:
    t = keras.Input((None,), name="t", dtype="int32")
    e = L.Embedding(TOKENS, 6, mask_zero=mask_zero, **F64)(t)
    return model(t, rnn(return_sequences=False)(both("concat")(e)))


def float_tokens() -> Any:
    t = keras.Input((None,), name="t", dtype="float32")
    return model(t, rnn()(L.Embedding(TOKENS, 6, mask_zero=True, **F64)(t)))


def inner(*, masks: bool, functional: bool) -> Make:
    def make() -> Any:
        x, y = sequence(), sequence("y")
        first = [L.Masking(**F64)] if masks else []
        part = keras.Sequential([sequence("inner_x"), *first, rnn(5)], name="part")
        if functional:
            given = sequence("inner_x")
            part = keras.Model(given, part(given), name="outer_part")
        return model([x, y], rnn(3)(L.Add(**F64)([part(masked(x)), part(y)])))

    return make


def shared() -> Any:
    x, y, layer = sequence(), sequence("y"), rnn()
    return model([x, y], L.Concatenate(axis=1, **F64)([layer(masked(x)), layer(y)]))


def several_inputs_inside() -> Any:
    a, b = sequence("a"), sequence("b")
    part = keras.Model([a, b], rnn()(L.Subtract(**F64)([a, b])), name="part")
    x, y = sequence(), sequence("y")
    return model([x, y], rnn(3)(part([masked(x), masked(y)])))


def steps_of_a_model() -> Any:
    given = keras.Input((5,), **F64)
    part = keras.Sequential(
        [given, dense(6), L.LayerNormalization(epsilon=0.5, **F64), L.ReLU(**F64)]
    )
    x = sequence()
    return model(x, rnn()(L.TimeDistributed(part, **F64)(masked(x))))


def pooled(kind: str, **options: Any) -> Make:
    return on_masked(lambda: rnn(6), lambda: getattr(L, kind)(**options, **F64))
