"""Values that still have an axis of directions, forward first, and what can be made of them in one step."""

from __future__ import annotations

from typing import NamedTuple

from rnn_export.exporters.graph import Graph
from rnn_export.exporters.plan import Layout

_REDUCE = {
    "add": "ReduceSum",
    "average": "ReduceMean",
    "multiply": "ReduceProd",
    "maximum": "ReduceMax",
    "minimum": "ReduceMin",
}


class Pair(NamedTuple):
    """Both directions of one node.

    Args:
        value: (time, 2, batch, units), or (2, batch, units) for the states after the last step.
        units: of each direction.
        over_time: which of the two shapes it has.
    """

    value: str
    units: int
    over_time: bool

    @property
    def axis(self) -> int:
        """The axis of directions."""
        return 1 if self.over_time else 0


def half(graph: Graph, pair: Pair, direction: int) -> str:
    """Return one direction, (time, batch, units) or (batch, units)."""
    return graph.add("Gather", [pair.value, graph.constant(direction)], axis=pair.axis)


def concatenated(graph: Graph, pair: Pair, layout: Layout) -> str:
    """Return both directions side by side along the units."""
    if not pair.over_time:
        perm, keep = [1, 0, 2], [0]
    else:
        perm, keep = ([0, 2, 1, 3] if layout is Layout.TIME else [2, 0, 1, 3]), [0, 0]
    turned = graph.add("Transpose", [pair.value], perm=perm)
    return graph.add("Reshape", [turned, graph.constant([*keep, 2 * pair.units])])


def reduced(graph: Graph, pair: Pair, kind: str) -> str | None:
    """Return the directions merged elementwise, time first where there is time; None for "subtract"."""
    if kind not in _REDUCE:
        return None
    return graph.reduce(_REDUCE[kind], pair.value, [pair.axis])
