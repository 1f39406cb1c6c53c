"""One row of the table of layers: how it is lowered, how Keras binds its arguments, and what becomes of a mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rnn_export.network import TensorId
from rnn_export.readers.use import Use
from rnn_export.readers.values import Structure, Value


@dataclass(frozen=True)
class Entry:
    """How to read one Keras layer class.

    Args:
        lower: adds the layer's ops and returns its outputs, flat, in Keras' order.
        arguments: the parameters of its ``call``, in order; "mask" among them if it heeds one.
        mask: from the previous mask to one mask for each output (``compute_mask``); None where Keras drops it.
        autocast: whether Keras casts float inputs to the layer's compute dtype.
    """

    lower: Callable[[Use], list[Value]]
    arguments: tuple[str, ...] = ("inputs",)
    mask: Callable[[Use, Structure], list[TensorId | None]] | None = None
    autocast: bool = True


def hand_on(use: Use, previous: Structure) -> list[TensorId | None]:
    """Return the previous mask: what a layer does that supports masking and says no more about it."""
    return [use.as_mask(previous)]


def no_mask(use: Use, previous: Structure) -> list[TensorId | None]:
    """Return no mask: what a layer does that ends the time axis."""
    return []
