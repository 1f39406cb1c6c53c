"""The bench on which a recipe's model is put together: tensors, and layers with names and one dtype policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras

from tests.property.keras_models import Step

L = keras.layers


@dataclass(frozen=True)
class Item:
    """A tensor on the bench: (batch, time, features), or (batch, features) where ``time`` is None."""

    tensor: Any
    time: str | None
    features: int
    is_input: bool = False


@dataclass
class Bench:
    """The tensors made so far, and how layers are made: each with a name of its own and one dtype policy."""

    dtype: str
    named: Callable[[str], str]
    items: list[Item] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    layers: list[tuple[Any, Item]] = field(default_factory=list)

    def layer(self, kind: Any, *args: Any, **options: Any) -> Any:
        return kind(*args, **options, dtype=self.dtype, name=self.named(kind.__name__.lower()))

    def apply(self, kind: Any, item: Item, *args: Any, **options: Any) -> Item:
        return Item(self.layer(kind, *args, **options)(item.tensor), item.time, item.features)

    def identity(self, item: Item) -> Item:
        return self.apply(L.Activation, item, "tanh")

    def pick(self, number: int, *, sequence: bool) -> Item | None:
        fitting = [item for item in self.items if (item.time is not None) == sequence]
        return fitting[-1 - number % len(fitting)] if fitting else None

    def sequence(self, step: Step) -> Item:
        found = self.pick(step.tensor, sequence=True)
        assert found is not None  # The inputs are sequences.
        return found

    def matched(self, item: Item, features: int) -> Item:
        """Return the item with so many features, by a Dense layer if need be."""
        if item.features == features:
            return item
        made = self.apply(L.Dense, item, features)
        return Item(made.tensor, item.time, features)
