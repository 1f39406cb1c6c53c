"""Where Keras keeps an object's variables in a weights file: the naming rule of keras/src/saving/saving_lib.py.

A list of layers makes one group a layer, called after its class in snake case; the second of a class gets ``_1``.
The layer's own name plays no part. Children are visited by attribute name, and an object met twice is stored at
the first place only.
"""

from __future__ import annotations

import re


def to_snake_case(name: str) -> str:
    """Return a class name as Keras spells it in files: ``SimpleRNN`` gives ``simple_rnn``.

    Source: keras/src/utils/naming.py.
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


class Container:
    """The names of the members of one list of layers."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._used: dict[str, int] = {}

    def place(self, class_name: str) -> str:
        """Return the place of the next member."""
        name = to_snake_case(class_name)
        count = self._used.get(name)
        self._used[name] = 0 if count is None else count + 1
        return f"{self._place}/{name}" if count is None else f"{self._place}/{name}_{count + 1}"


def child(place: str, attribute: str) -> str:
    """Return the place of an attribute's object."""
    return f"{place}/{attribute}" if place else attribute
