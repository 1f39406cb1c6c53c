"""Notebooks 3 and 4: what SimpleRNN returns, with every constructor parameter they list."""

from __future__ import annotations

from dataclasses import replace

from rnn_export.network import Draft, Network, activation
from rnn_export.network.ops import Recurrent
from rnn_export.presets.parts import FUNCTIONAL, SEQUENTIAL, cell, source, weight
from rnn_export.presets.preset import Preset

EVERY_HINT: dict[str, object] = {
    "class": "SimpleRNN",
    "kernel_initializer": "he_uniform",
    "recurrent_initializer": "glorot_uniform",
    "bias_initializer": "ones",
    "kernel_regularizer": {"class_name": "L1", "config": {"l1": 0.01}},
    "recurrent_regularizer": {"class_name": "L2", "config": {"l2": 0.02}},
    "bias_regularizer": {"class_name": "L1L2", "config": {"l1": 0.03, "l2": 0.04}},
    "activity_regularizer": {"class_name": "L2", "config": {"l2": 0.05}},
    "dropout": 0.3,
    "recurrent_dropout": 0.2,
}
"""What the parameters of notebook 3 say that matters in training alone, each away from its default."""


def _last_output() -> Network:
    draft = Draft()
    x = draft.input("inputs", ("batch", "time", 8), "float32")
    op = Recurrent((cell("last-output", 8, 4),))
    (y,) = draft.call("simple_rnn", op, [x], hints={"class": "SimpleRNN"})
    draft.output("simple_rnn", y)
    return draft.finish(source("last-output", SEQUENTIAL))


def _sequence_and_state(name: str, features: int, units: int) -> Network:
    draft = Draft()
    x = draft.input("inputs", ("batch", "time", features), "float32")
    op = Recurrent((cell(name, features, units),), ("sequence", "state"))
    for made in draft.call("simple_rnn", op, [x], hints={"class": "SimpleRNN"}):
        draft.output("simple_rnn", made)
    return draft.finish(source(name, FUNCTIONAL))


def _every_option() -> Network:
    """Units, activation, use_bias, three initializers, four regularizers, both dropouts, both returns.

    use_bias is away from its default here, so this one preset has no bias.
    """
    features, units = 8, 5
    relu = replace(
        cell("every-option", features, units),
        kernel=weight("he_uniform", (features, units), "every-option/kernel"),
        recurrent_kernel=weight("glorot_uniform", (units, units), "every-option/recurrent_kernel"),
        bias=None,
        activation=activation("relu"),
    )
    draft = Draft()
    x = draft.input("inputs", ("batch", "time", features), "float32")
    op = Recurrent((relu,), ("sequence", "state"))
    for made in draft.call("simple_rnn", op, [x], hints=EVERY_HINT):
        draft.output("simple_rnn", made)
    return draft.finish(source("every-option", FUNCTIONAL))


STATES = (
    Preset(
        "last-output",
        3,
        "SimpleRNN(4) on 8 features: the last output",
        batch=4,
        time=4,
        parameters=8 * 4 + 4 * 4 + 4,
        make=_last_output,
    ),
    Preset(
        "sequence-and-state",
        3,
        "SimpleRNN(4, return_sequences=True, return_state=True) on 8 features",
        batch=4,
        time=4,
        parameters=8 * 4 + 4 * 4 + 4,
        make=lambda: _sequence_and_state("sequence-and-state", 8, 4),
    ),
    Preset(
        "sequence-and-state-manual",
        4,
        "16 units on 28 steps of 32 features: sequences and state, to be calculated by hand",
        batch=32,
        time=28,
        parameters=32 * 16 + 16 * 16 + 16,
        make=lambda: _sequence_and_state("sequence-and-state-manual", 32, 16),
    ),
    Preset(
        "every-option",
        3,
        "each parameter that notebook 3 lists, away from its default (sizes chosen)",
        batch=4,
        time=6,
        parameters=8 * 5 + 5 * 5,
        make=_every_option,
    ),
)
