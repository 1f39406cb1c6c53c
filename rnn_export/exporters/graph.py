"""A graph being written: nodes, initializers, names; everything unique and in a fixed order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, helper

from rnn_export.exporters.stored import Fixed, Stored

_SHAPE_OF_SOME_AXES = 15
_AXES_AS_INPUT = 18


@dataclass
class Graph:
    """Nodes in running order, and the initializers they read.

    Args:
        opset: of the file; nodes may take their form from it.
        reserved: names that belong to ports and must not be given away.
    """

    opset: int
    reserved: Iterable[str] = ()
    nodes: list[NodeProto] = field(default_factory=list)
    stored: dict[str, Stored] = field(default_factory=dict)
    scope: str = ""

    def __post_init__(self) -> None:
        self._taken = set(self.reserved)
        self._by_key: dict[str, str] = {}
        self._next: dict[str, int] = {}

    def body(self) -> Graph:
        """Return an empty graph inside this one: nodes of its own, names and initializers in common."""
        inside = Graph(self.opset, scope=self.scope)
        inside._taken, inside._next = self._taken, self._next
        inside._by_key, inside.stored = self._by_key, self.stored
        return inside

    def name(self, wanted: str) -> str:
        """Return ``wanted``, or the same with a number behind it if it is taken."""
        name, count = wanted, self._next.get(wanted, 1)
        while name in self._taken:
            name, count = f"{wanted}_{count}", count + 1
        self._next[wanted] = count
        self._taken.add(name)
        return name

    def add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        return self.node(kind, inputs, ("",), path=None, **attributes)[0]

    def node(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str | None],
        *,
        path: str | None = None,
        **attributes: Any,
    ) -> tuple[str, ...]:
        """Add a node and return its outputs' names.

        Args:
            kind: the operator.
            inputs: value names; "" leaves an optional one out (none at the end).
            outputs: a short word per output ("Y"), "" for the node's own name, None for one that is not wanted.
            path: the node's name; by default the scope and the operator.
            attributes: as ``onnx.helper.make_node`` takes them.
        """
        name = self.name(path or f"{self.scope}/{kind}")
        made = tuple(
            "" if word is None else self.name(f"{name}:{word}" if word else f"{name}:0")
            for word in outputs
        )
        trimmed = list(made)
        while trimmed and not trimmed[-1]:
            trimmed.pop()
        self.nodes.append(helper.make_node(kind, list(inputs), trimmed, name, **attributes))
        return made

    def store(self, stored: Stored, wanted: str) -> str:
        """Return the name of an initializer; equal values are stored once."""
        if stored.key not in self._by_key:
            name = self.name(wanted)
            self._by_key[stored.key] = name
            self.stored[name] = stored
        return self._by_key[stored.key]

    def read_values(self) -> set[str]:
        """Return the names that some node reads, in bodies too."""
        return {name for node in self.nodes for name in _reads(node)}

    def constant(self, values: object, dtype: str | np.dtype = "int64") -> str:
        """Return the name of a small constant."""
        array = np.asarray(values, dtype=dtype)
        return self.store(Fixed(array), f"const/{array.dtype.name}")

    def sizes(self, value: str, axis: int, count: int = 1) -> str:
        """Return the sizes of ``value`` along ``count`` axes from ``axis`` on (not negative), int64."""
        if self.opset >= _SHAPE_OF_SOME_AXES:
            return self.add("Shape", [value], start=axis, end=axis + count)
        axes = self.constant(list(range(axis, axis + count)))
        return self.add("Gather", [self.add("Shape", [value]), axes], axis=0)

    def reduce(self, kind: str, value: str, axes: Sequence[int], keepdims: bool = False) -> str:
        """Return a reduction; ReduceSum takes its axes as an input since opset 13, the others since 18."""
        keep = int(keepdims)
        if kind == "ReduceSum" or self.opset >= _AXES_AS_INPUT:
            return self.add(kind, [value, self.constant(list(axes))], keepdims=keep)
        return self.add(kind, [value], axes=list(axes), keepdims=keep)


def _reads(node: NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _reads(inner)
