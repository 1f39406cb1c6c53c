"""The states of stateful Keras layers as inputs and outputs, under the names that a network gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnn_export.runtimes.contract import Slot


class State(NamedTuple):
    """One cell's state, (batch, units): "<layer>" or "<layer>/<cell>", and the variable that keeps it.

    Args:
        path: of the cell.
        variable: of the layer; under a mixed policy float32, and holds what the cell computed in its own dtype.
        dtype: what the cell computes in.
    """

    path: str
    variable: Any
    dtype: str

    @property
    def slot_in(self) -> Slot:
        return Slot(f"{self.path}/h_in", self.dtype, tuple(self.variable.shape))

    @property
    def slot_out(self) -> Slot:
        return Slot(f"{self.path}/h_out", self.dtype, tuple(self.variable.shape))

    def set(self, feeds: Mapping[str, np.ndarray]) -> None:
        """Start the next call from what was fed."""
        self.variable.assign(feeds[self.slot_in.name])

    def value(self, keras: Any) -> np.ndarray:
        """Return what it holds now, in the cell's dtype."""
        return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(self.variable, self.dtype)))


def states(model: Any, prefix: str = "") -> Iterator[State]:
    """Yield every state that the layers of ``model`` keep and go on from, nested models' too.

    Source: keras.layers.RNN.states (Keras 3.15).
    """
    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        if hasattr(layer, "layers"):
            yield from states(layer, f"{path}/")
        elif (
            getattr(layer, "stateful", False)
            and getattr(layer, "states", None)
            and not _begins_anew(layer)
        ):
            cells = getattr(layer.cell, "cells", None)
            names = [path] if cells is None else [f"{path}/{cell.name}" for cell in cells]
            dtypes = [cell.compute_dtype for cell in cells or [layer.cell]]
            kept = [variable for held in layer.states for variable in _flat(held)]
            for name, variable, dtype in zip(names, kept, dtypes, strict=True):
                yield State(name, variable, dtype)


def _begins_anew(layer: Any) -> bool:
    """Tell whether a stateful layer is given its initial state with every call: then what it keeps is never read."""
    calls = [node.arguments for node in layer._inbound_nodes]
    given = [call.kwargs.get("initial_state", (*call.args, None, None)[1]) for call in calls]
    return bool(given) and all(state is not None for state in given)


def _flat(held: Any) -> list[Any]:
    """Return a stacked cell's states, which Keras nests, one below the other."""
    return list(held) if isinstance(held, (list, tuple)) else [held]
