"""Every layer class that can be described, and the simple ones: Embedding, Dense, Activation, Masking, Dropout."""

from __future__ import annotations

from collections.abc import Callable

from rnn_export.builders.description.cells import (
    PENALTIES,
    drawn,
    read_activation,
    training_options,
)
from rnn_export.builders.description.chain import Chain
from rnn_export.builders.description.options import Options
from rnn_export.builders.description.recurrent import bidirectional, recurrent
from rnn_export.network.ops import Activate, ApplyMask, Dense, Embedding, TokenMask, ValueMask


def _embedding(chain: Chain, options: Options, layer: str) -> None:
    policy = chain.policy_of(options)
    shape = (options.integer("input_dim"), options.integer("output_dim"))
    initializer = options.text("embeddings_initializer", "uniform")
    table = drawn(chain, options, initializer, shape, f"{layer}/embeddings", policy)
    hints: dict[str, object] = {"class": "Embedding", "embeddings_initializer": initializer}
    hints |= training_options(options, [f"embeddings_{what}" for what in PENALTIES])
    tokens = chain.tensor
    (chain.tensor,) = chain.call(layer, Embedding(table), [tokens], policy, hints=hints)
    chain.mask = None
    if options.flag("mask_zero", False):
        kind = chain.draft.spec(tokens).dtype
        (chain.mask,) = chain.part(f"{layer}/mask", TokenMask(), [tokens], policy, dtype=kind)
    options.finish()


def _dense(chain: Chain, options: Options, layer: str) -> None:
    policy = chain.policy_of(options)
    shape = (chain.spec.fixed(-1, options.subject, "features"), options.integer("units"))
    kernel = options.text("kernel_initializer", "glorot_uniform")
    bias = options.text("bias_initializer", "zeros")
    op = Dense(
        drawn(chain, options, kernel, shape, f"{layer}/kernel", policy),
        drawn(chain, options, bias, shape[1:], f"{layer}/bias", policy)
        if options.flag("use_bias", True)
        else None,
        read_activation(options, "linear"),
    )
    keys = [f"{key}_{what}" for key in ("kernel", "bias", "activity") for what in PENALTIES]
    hints: dict[str, object] = {
        "class": "Dense",
        "kernel_initializer": kernel,
        "bias_initializer": bias,
    }
    hints |= training_options(options, keys[:-1])
    x = chain.cast(layer, policy)
    (chain.tensor,) = chain.call(layer, op, [x], policy, hints=hints)
    options.finish()


def _activation(chain: Chain, options: Options, layer: str) -> None:
    policy = chain.policy_of(options)
    op = Activate(read_activation(options, "linear"))
    x = chain.cast(layer, policy)
    (chain.tensor,) = chain.call(layer, op, [x], policy, hints={"class": "Activation"})
    options.finish()


def _masking(chain: Chain, options: Options, layer: str) -> None:
    policy = chain.policy_of(options)
    value = options.number("mask_value", 0.0)
    x = chain.cast(layer, policy)
    (chain.mask,) = chain.part(f"{layer}/mask", ValueMask(value), [x], policy)
    (chain.tensor,) = chain.call(layer, ApplyMask(), [x, chain.mask], policy)
    options.finish()


LAYERS: dict[str, tuple[str, Callable[[Chain, Options, str], None]]] = {
    "Activation": ("activation", _activation),
    "Bidirectional": ("bidirectional", bidirectional),
    "Dense": ("dense", _dense),
    "Embedding": ("embedding", _embedding),
    "Masking": ("masking", _masking),
    "RNN": ("rnn", recurrent),
    "SimpleRNN": ("simple_rnn", recurrent),
}
"""Class -> (the name Keras gives to the first of it, how to add one)."""

VANISHING = {
    "Dropout": ("dropout", "rate"),
    "GaussianDropout": ("gaussian_dropout", "rate"),
    "GaussianNoise": ("gaussian_noise", "stddev"),
    "SpatialDropout1D": ("spatial_dropout1d", "rate"),
}
"""Classes that do nothing at inference -> (the same name, their one number)."""
