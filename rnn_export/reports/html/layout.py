"""Where the nodes of a graph stand: in layers from inputs to outputs, each layer in an order with few crossings.

Source: Sugiyama, Tagawa, Toda, Methods for visual understanding of hierarchical system structures (1981).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rnn_export.reports.html.graph import GraphNode

BOX, BEND = 168, 12
"""How wide a node is, and an edge that passes a layer."""

GAP, DOWN = 16, 70
"""Between neighbours on a layer, and from layer to layer."""

HEIGHT, MARGIN = 40, 8
SWEEPS = 6


@dataclass(frozen=True)
class Layout:
    """A graph laid out.

    Args:
        width, height: of the whole.
        places: left upper corner of each node, in the order of the nodes.
        edges: the points that each edge passes: below its maker, through the layers, above its reader.
    """

    width: int
    height: int
    places: tuple[tuple[int, int], ...]
    edges: tuple[tuple[tuple[int, int], ...], ...]


@dataclass
class _Layers:
    """Items by layer: nodes by their index, and bends, numbered on from there, of edges that pass a layer."""

    layers: list[list[int]]
    chains: list[list[int]] = field(default_factory=list)
    nodes: int = 0

    def wide(self, item: int) -> int:
        return BOX if item < self.nodes else BEND


def lay_out(nodes: Sequence[GraphNode]) -> Layout:
    """Return where nodes and edges stand.

    Args:
        nodes: each after the ones it reads from.
    """
    items = _layered(nodes, _edges(nodes))
    _untangle(items)
    widths = [sum(items.wide(item) + GAP for item in layer) - GAP for layer in items.layers]
    width = max(widths, default=0) + 2 * MARGIN
    places: dict[int, tuple[int, int]] = {}
    for depth, layer in enumerate(items.layers):
        x = (width - widths[depth]) // 2
        for item in layer:
            places[item] = (x, MARGIN + depth * DOWN)
            x += items.wide(item) + GAP
    edges = []
    for maker, *bends, reader in items.chains:
        points = [_below(places[maker])]
        for bend in bends:
            x, y = places[bend]
            points += [(x + BEND // 2, y), (x + BEND // 2, y + HEIGHT)]
        edges.append((*points, _above(places[reader])))
    height = 2 * MARGIN + (len(items.layers) - 1) * DOWN + HEIGHT
    return Layout(width, height, tuple(places[at] for at in range(len(nodes))), tuple(edges))


def _edges(nodes: Sequence[GraphNode]) -> list[tuple[int, int]]:
    """Return (maker, reader) pairs, each once; what is made later or elsewhere is no edge."""
    maker = {name: index for index, node in enumerate(nodes) for name in node.outputs}
    found = [
        (maker[name], index)
        for index, node in enumerate(nodes)
        for name in node.inputs
        if maker.get(name, index) < index
    ]
    return list(dict.fromkeys(found))


def _layered(nodes: Sequence[GraphNode], edges: Sequence[tuple[int, int]]) -> _Layers:
    """Put every node on the layer that the longest way from an input has, outputs on the last."""
    depth = [0] * len(nodes)
    for maker, reader in sorted(edges, key=lambda edge: edge[1]):
        depth[reader] = max(depth[reader], depth[maker] + 1)
    last = max(depth, default=0)
    depth = [last if node.op == "output" else depth[at] for at, node in enumerate(nodes)]
    made = _Layers([[] for _ in range(last + 1)], nodes=len(nodes))
    for at in range(len(nodes)):
        made.layers[depth[at]].append(at)
    number = len(nodes)
    for maker, reader in edges:
        bends = list(range(number, number + depth[reader] - depth[maker] - 1))
        number += len(bends)
        for layer, bend in enumerate(bends, depth[maker] + 1):
            made.layers[layer].append(bend)
        made.chains.append([maker, *bends, reader])
    return made


def _untangle(items: _Layers) -> None:
    """Order every layer by the middle of its neighbours, downwards and upwards in turns."""
    above: dict[int, list[int]] = defaultdict(list)
    below: dict[int, list[int]] = defaultdict(list)
    for chain in items.chains:
        for maker, reader in pairwise(chain):
            above[reader].append(maker)
            below[maker].append(reader)
    for sweep in range(SWEEPS):
        neighbours = below if sweep % 2 else above
        for layer in reversed(items.layers) if sweep % 2 else items.layers:
            place = _middles(items)
            keys = {}
            for item in layer:
                near = [place[other] for other in neighbours[item]]
                keys[item] = sum(near) / len(near) if near else place[item]
            layer.sort(key=keys.__getitem__)


def _middles(items: _Layers) -> dict[int, float]:
    """Return how far from its layer's middle each item stands."""
    found = {}
    for layer in items.layers:
        x = -(sum(items.wide(item) + GAP for item in layer) - GAP) / 2
        for item in layer:
            found[item] = x + items.wide(item) / 2
            x += items.wide(item) + GAP
    return found


def _below(place: tuple[int, int]) -> tuple[int, int]:
    return place[0] + BOX // 2, place[1] + HEIGHT


def _above(place: tuple[int, int]) -> tuple[int, int]:
    return place[0] + BOX // 2, place[1]
