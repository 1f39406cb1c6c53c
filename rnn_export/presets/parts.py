"""The weights and cells that presets are made of: seeded, unsaturated, and no bias is zero."""

from __future__ import annotations

import numpy as np

from rnn_export.network import ArrayWeight, Source, activation
from rnn_export.network.ops import Cell, Embedding
from rnn_export.presets.seeded import Stream, draw

SEED = 20
VOCABULARY = 10_000

SEQUENTIAL = "Sequential"
FUNCTIONAL = "Functional"


def source(name: str, kind: str) -> Source:
    """Return the source of a preset; ``kind`` is the class its Keras model gets."""
    return Source("preset", name, facts=(("class", kind),))


def weight(initializer: str, shape: tuple[int, ...], path: str) -> ArrayWeight:
    """Return a float32 weight drawn by one of Keras' initializers."""
    return draw(initializer, shape, seed=SEED, path=path)


def bias(units: int, path: str) -> ArrayWeight:
    """Return a bias between 0.05 and 0.25 in size, of either sign.

    Keras begins with 0; a bias that somebody dropped or added twice would then pass by accident.
    """
    stream = Stream(SEED, path)
    size = stream.uniform((units,), 0.05, 0.25)
    sign = np.where(stream.uniform((units,)) < 0.5, -1.0, 1.0)
    return ArrayWeight((sign * size).astype(np.float32))


def cell(path: str, features: int, units: int, *, name: str = "") -> Cell:
    """Return a tanh cell as Keras makes it (glorot_uniform, orthogonal), its bias aside.

    Args:
        path: what the weights are drawn by; equal paths give equal weights.
        features: of the input.
        units: of the state.
        name: the cell's name where it is one of several.
    """
    return Cell(
        name,
        weight("glorot_uniform", (features, units), f"{path}/kernel"),
        weight("orthogonal", (units, units), f"{path}/recurrent_kernel"),
        bias(units, f"{path}/bias"),
        activation("tanh"),
    )


def embedding(path: str, features: int) -> Embedding:
    """Return a table of 10,000 tokens, between -1 and 1: Keras' 0.05 would leave the state near the bias."""
    table = Stream(SEED, f"{path}/embeddings").uniform((VOCABULARY, features), -1.0, 1.0)
    return Embedding(ArrayWeight(table.astype(np.float32)))
