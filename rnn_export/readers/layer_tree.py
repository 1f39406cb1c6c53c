"""The layers of a source as a tree: class, name, configuration, and the place where its variables are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rnn_export.readers.fields import Fields
from rnn_export.readers.json_text import Json

if TYPE_CHECKING:
    from rnn_export.readers.graph import Graph

Step = str | int
"""One step from an object to one inside it: an attribute, or a place in a list."""


@dataclass(eq=False)
class Layer:
    """One layer, cell or model.

    Args:
        kind: its Keras class ("SimpleRNN").
        name: its Keras name.
        fields: its configuration.
        place: its group in a weights file ("layers/simple_rnn_1/cell"); "" for the model itself.
        steps: the way to it from the live model.
        inner: what it wraps: ("cell", Layer), ("forward_layer", Layer), ...; a list of cells as several "cells".
        graph: how its layers are wired, for a model.
        build_config: what Keras noted of the shapes it was built for.
    """

    kind: str
    name: str
    fields: Fields
    place: str
    steps: tuple[Step, ...]
    inner: tuple[tuple[str, Layer], ...] = ()
    graph: Graph | None = None
    build_config: Mapping[str, Json] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The layer as errors call it."""
        return self.fields.subject

    def part(self, attribute: str) -> Layer:
        """Return the only inner layer under ``attribute``."""
        return next(layer for name, layer in self.inner if name == attribute)

    def parts(self, attribute: str) -> tuple[Layer, ...]:
        """Return every inner layer under ``attribute``."""
        return tuple(layer for name, layer in self.inner if name == attribute)

    def walk(self) -> Iterator[Layer]:
        """Yield this layer and all inside it, as often as they occur."""
        yield self
        for _, layer in self.inner:
            yield from layer.walk()
