"""Notebook 0: the NumPy loop, and SimpleRNN on an Embedding, alone and stacked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnn_export.network import ArrayWeight, Draft, Network
from rnn_export.network.ops import Recurrent
from rnn_export.presets.parts import SEED, SEQUENTIAL, cell, embedding, source
from rnn_export.presets.preset import Preset
from rnn_export.presets.seeded import Stream

RNN = {"class": "SimpleRNN"}


def _numpy_loop() -> Network:
    """32 features to 64 units, all states.

    The notebook draws W, U and b from [0, 1), which saturates every unit at 1 from the first step on:
    no error in U could ever be seen. Here W is centred and scaled to +-0.25, U to +-0.2, so that the
    largest state stays below 0.99; b as in every preset.
    """
    scaled = replace(
        cell("numpy-loop", 32, 64),
        kernel=_centred("numpy-loop/kernel", (32, 64), 0.25),
        recurrent_kernel=_centred("numpy-loop/recurrent_kernel", (64, 64), 0.2),
    )
    draft = Draft()
    x = draft.input("inputs", ("batch", "time", 32), "float32")
    (y,) = draft.call("simple_rnn", Recurrent((scaled,), ("sequence",)), [x], hints=RNN)
    draft.output("simple_rnn", y)
    return draft.finish(source("numpy-loop", SEQUENTIAL))


def _centred(path: str, shape: tuple[int, ...], limit: float) -> ArrayWeight:
    return ArrayWeight(Stream(SEED, path).uniform(shape, -limit, limit).astype(np.float32))


def _on_embedding(name: str, units: tuple[int, ...], *, sequences: bool) -> Network:
    """Embedding(10000, 32), then SimpleRNN layers; the last returns all states only if ``sequences``."""
    draft = Draft()
    x = draft.input("tokens", ("batch", "time"), "int32")
    (x,) = draft.call("embedding", embedding(name, 32), [x], hints={"class": "Embedding"})
    layer, width = "", 32
    for index, size in enumerate(units):
        layer = f"simple_rnn_{index}" if index else "simple_rnn"
        whole = sequences or index < len(units) - 1
        emits = ("sequence",) if whole else ("output",)
        op = Recurrent((cell(f"{name}/{layer}", width, size),), emits)
        (x,) = draft.call(layer, op, [x], hints=RNN)
        width = size
    draft.output(layer, x)
    return draft.finish(source(name, SEQUENTIAL))


# The notebook has no data for these three: batch and time are chosen.
LOOPS = (
    Preset(
        "numpy-loop",
        0,
        "100 steps, 32 to 64, all states; weights scaled so that no unit saturates",
        batch=1,
        time=100,
        parameters=6_208,
        make=_numpy_loop,
    ),
    Preset(
        "embedding-last",
        0,
        "Embedding(10000, 32), SimpleRNN(64): the last state",
        batch=4,
        time=20,
        parameters=326_208,
        make=lambda: _on_embedding("embedding-last", (64,), sequences=False),
    ),
    Preset(
        "embedding-sequences",
        0,
        "Embedding(10000, 32), SimpleRNN(32): all states",
        batch=4,
        time=20,
        parameters=322_080,
        make=lambda: _on_embedding("embedding-sequences", (32,), sequences=True),
    ),
    Preset(
        "embedding-stack4",
        0,
        "Embedding(10000, 32), four SimpleRNN(32): the last state of the last",
        batch=4,
        time=20,
        parameters=328_320,
        make=lambda: _on_embedding("embedding-stack4", (32, 32, 32, 32), sequences=False),
    ),
)
