"""Tensors on their way through a model, with the masks that Keras carries along, in nested lists and dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rnn_export.network import TensorId
from rnn_export.readers.fields import brief


@dataclass(frozen=True)
class Value:
    """A tensor and the mask that Keras carries along with it (``_keras_mask``)."""

    tensor: TensorId
    mask: TensorId | None = None


Structure = object
"""A Value, a mask in the making, a plain argument, or a list or dict of them."""


def values(value: Structure) -> Iterator[Value]:
    """Yield the Values inside nested lists and dicts, dict keys in sorted order as Keras flattens them."""
    if isinstance(value, Value):
        yield value
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from values(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from values(item)


def over(value: Structure, change: Callable[[Value], Structure]) -> Structure:
    """Return the structure with every Value changed."""
    if isinstance(value, Value):
        return change(value)
    if isinstance(value, Mapping):
        return {key: over(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [over(item, change) for item in value]
    return value


def masks(value: Structure) -> Structure:
    """Return the masks of a structure of Values, as Values, in the same structure; None if there are none."""
    found = over(value, lambda item: None if item.mask is None else Value(item.mask))
    return found if next(values(found), None) is not None else None


def first_mask(value: Structure) -> Structure:
    """Return the mask of the first of several inputs: what a recurrent layer takes of a list of masks."""
    if isinstance(value, list):
        return value[0] if value else None
    return value


def count(value: Structure) -> str:
    """Return what a structure holds, for errors."""
    found = list(values(value))
    return f"{len(found)} tensors" if found else brief(value)
