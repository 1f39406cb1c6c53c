"""How the layers of one model are wired: nodes (calls), their arguments, and the model's inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rnn_export.errors import ReadError
from rnn_export.readers.layer_tree import Layer


@dataclass(frozen=True)
class Ref:
    """Output ``index`` of node ``node``; all of its outputs if None."""

    node: int
    index: int | None


Argument = object
"""A Ref, a plain value, or a list or dict of arguments."""


@dataclass(frozen=True, eq=False)
class Node:
    """One call of a layer; an InputLayer's has no arguments."""

    layer: Layer
    args: tuple[Argument, ...] = ()
    kwargs: Mapping[str, Argument] | None = None


@dataclass(frozen=True, eq=False)
class Graph:
    """Every node, and which outputs of which nodes are the model's inputs and outputs, in Keras' order."""

    nodes: tuple[Node, ...]
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]

    def order(self) -> tuple[int, ...]:
        """Return the nodes that the outputs need, each after those it reads.

        Depth first from the outputs, so that the order follows from the wiring and not from the file.

        Raises:
            ReadError: a loop.
        """
        done: dict[int, bool] = {}
        order: list[int] = []
        for output in self.outputs:
            stack: list[tuple[int, bool]] = [(output.node, False)]
            while stack:
                node, ready = stack.pop()
                if ready:
                    done[node] = True
                    order.append(node)
                elif node not in done:
                    done[node] = False
                    stack.append((node, True))
                    needs = [ref.node for ref in refs(self.nodes[node])]
                    stack.extend((need, False) for need in reversed(needs) if not done.get(need))
                elif not done[node]:
                    subject = self.nodes[node].layer.subject
                    raise ReadError(
                        subject, expected="wiring without loops", got="a loop through this layer"
                    )
        return tuple(order)


def refs(node: Node) -> Iterator[Ref]:
    """Yield what a node reads, in order."""
    yield from flat_refs((node.args, dict(node.kwargs or {})))


def flat_refs(value: Argument) -> Iterator[Ref]:
    """Yield the Refs inside a nested argument, dict keys in sorted order as Keras flattens them."""
    for item in flatten(value):
        if isinstance(item, Ref):
            yield item


def flatten(value: object) -> Iterator[object]:
    """Yield the leaves of nested lists and dicts, dict keys in sorted order as Keras flattens them."""
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from flatten(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flatten(item)
    else:
        yield value


@dataclass(frozen=True)
class Constant:
    """An argument that is neither a tensor of the model nor plain data: an array, a slice."""

    kind: str
