"""The bench on which a recipe's model is put together: tensors, and layers with names and one dtype policy."""

from __future__ import annotations

import ast
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
    """The tensors made so far, and how layers are made: each with a name of its own and one dtype policy.

    Args:
        dtype: the policy.
        named: makes names unique.
        batch: of every input; None leaves it open.
        stateful: whether recurrent layers keep their state.
    """

    dtype: str
    named: Callable[[str], str]
    batch: int | None = None
    stateful: bool = False
    items: list[Item] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    layers: list[tuple[Any, Item]] = field(default_factory=list)

    @property
    def values(self) -> str:
        """The dtype of inputs: what the policy computes in."""
        return self.dtype.removeprefix("mixed_")

    def function(self, step: Step) -> Any:
        """Return a step's activation as Keras takes it: its name, or a new layer that serves as one."""
        kind, _, arguments = step.activation.partition("(")
        if not arguments:
            return kind
        made = getattr(L, kind)
        return made(*ast.literal_eval(f"({arguments[:-1]},)"), dtype=self.dtype)

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
