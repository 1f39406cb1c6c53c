"""The states of stateful Keras layers as inputs and outputs, under the names that a network gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnn_export.runtimes.contract import Slot


class State(NamedTuple):
    """One cell's state, (batch, units): "<layer>" or "<layer>/<cell>", and the variable that keeps it."""

    path: str
    variable: Any

    @property
    def slot_in(self) -> Slot:
        return Slot(f"{self.path}/h_in", self.variable.dtype, tuple(self.variable.shape))

    @property
    def slot_out(self) -> Slot:
        return Slot(f"{self.path}/h_out", self.variable.dtype, tuple(self.variable.shape))

    def set(self, feeds: Mapping[str, np.ndarray]) -> None:
        """Start the next call from what was fed."""
        self.variable.assign(feeds[self.slot_in.name])


def states(model: Any, prefix: str = "") -> Iterator[State]:
    """Yield every state that the layers of ``model`` keep, nested models' too.

    Source: keras.layers.RNN.states (Keras 3.15).
    """
    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        if hasattr(layer, "layers"):
            yield from states(layer, f"{path}/")
        elif getattr(layer, "stateful", False) and getattr(layer, "states", None):
            cells = getattr(layer.cell, "cells", None)
            names = [path] if cells is None else [f"{path}/{cell.name}" for cell in cells]
            kept = [variable for held in layer.states for variable in _flat(held)]
            for name, variable in zip(names, kept, strict=True):
                yield State(name, variable)


def _flat(held: Any) -> list[Any]:
    """Return a stacked cell's states, which Keras nests, one below the other."""
    return list(held) if isinstance(held, (list, tuple)) else [held]
