"""A graph as boxes and paths for SVG; one too large to be looked at, as counts of its operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnn_export.reports.html.graph import Graph, GraphNode
from rnn_export.reports.html.layout import BOX, HEIGHT, lay_out

MOST_NODES = 160
LETTERS = 24


@dataclass(frozen=True)
class Box:
    """A node where it stands; ``about`` is told when it is pointed at."""

    x: int
    y: int
    kind: str
    op: str
    name: str
    about: str


@dataclass(frozen=True)
class GraphDrawing:
    """Boxes and the paths between them.

    Args:
        title: the graph's.
        width, height: of the drawing; of a box in ``box``.
        boxes, edges: empty for a graph of more than MOST_NODES.
        counts: operators and how many of each, the most frequent first.
    """

    title: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    box: tuple[int, int] = (BOX, HEIGHT)


def draw_graphs(graph: Graph) -> tuple[GraphDrawing, ...]:
    """Return a drawing of a graph, then one of each body within it."""
    return (_draw(graph), *(made for body in graph.bodies for made in draw_graphs(body)))


def _draw(graph: Graph) -> GraphDrawing:
    ops = [node.op for node in graph.nodes if node.op not in ("input", "output")]
    counts = tuple(
        sorted(((op, ops.count(op)) for op in set(ops)), key=lambda item: (-item[1], item[0]))
    )
    if len(graph.nodes) > MOST_NODES:
        return GraphDrawing(graph.title, 0, 0, (), (), counts)
    layout = lay_out(graph.nodes)
    boxes = tuple(
        _box(node, *place) for node, place in zip(graph.nodes, layout.places, strict=True)
    )
    edges = tuple(_path(points) for points in layout.edges)
    return GraphDrawing(graph.title, layout.width, layout.height, boxes, edges, counts)


def _box(node: GraphNode, x: int, y: int) -> Box:
    kind = node.op if node.op in ("input", "output") else "loop" if node.recurrent else "plain"
    told = f"{node.op} {node.name}".rstrip()
    if kind in ("loop", "plain"):
        told += f": {', '.join(node.inputs) or 'nothing'} → {', '.join(node.outputs)}"
    if node.weights:
        shapes = [" by ".join(map(str, shape)) or "scalar" for shape in node.weights]
        told += f"; weights {', '.join(shapes)}"
    return Box(x, y, kind, node.op, _short(node.name), told)


def _path(points: Sequence[tuple[int, int]]) -> str:
    """Return a path that leaves and enters nodes straight down, and runs straight through layers."""
    (x, y), *rest = points
    path = f"M{x} {y}"
    for at, (to_x, to_y) in enumerate(rest):
        if at % 2:
            path += f"V{to_y}"
        else:
            half = (to_y - y) // 2
            path += f"C{x} {y + half} {to_x} {to_y - half} {to_x} {to_y}"
        x, y = to_x, to_y
    return path


def _short(name: str) -> str:
    """Return the telling end of a name.

    >>> _short("encoder/some/long/path/rnn#0/Squeeze")
    '…/long/path/rnn#0/Squeeze'
    """
    return name if len(name) <= LETTERS + 1 else f"…{name[-LETTERS:]}"
