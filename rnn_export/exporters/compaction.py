"""Any mask on the native operator: valid steps moved together, run, and their states read back where they belong.

The valid steps of each row are gathered to the front, in the order in which the call works: where time runs
backwards, the last one first, and the operator itself runs forwards. What follows them cannot touch their
states, so no sequence_lens is needed, and no direction: runtimes that ignore the one (OpenVINO with symbolic
axes, onnx' ReferenceEvaluator) or the other (tract) are right too. A row before the states holds the initial
state: it is what a step reads before the first valid one, what a fully masked row ends with, and what there
is when time has no steps at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from onnx import TensorProto

from rnn_export.exporters.graph import Graph


@dataclass(frozen=True)
class Compaction:
    """Indices for one mask and one direction, int64, into rows of (time, batch) counted time first.

    Args:
        source: (time, batch), which step each place takes after the valid ones were moved together.
        slot: (time, batch), where each step finds its state among the padded states.
        final: (batch,), where each row finds its last state there.
    """

    source: str
    slot: str
    final: str


def compaction(graph: Graph, mask: str, reverse: bool) -> Compaction:
    """Write the indices for ``mask`` (time, batch), bool; ``reverse`` where time runs backwards."""
    shape = graph.add("Shape", [mask])
    time = graph.add("Gather", [shape, graph.constant(0)], axis=0)
    batch = graph.add("Gather", [shape, graph.constant(1)], axis=0)
    zero, one = graph.constant(0), graph.constant(1)
    steps = graph.add("Unsqueeze", [graph.add("Range", [zero, time, one]), graph.constant([1])])
    rows = graph.add("Range", [zero, batch, one])

    def flat(index: str) -> str:
        return graph.add("Add", [graph.add("Mul", [index, batch]), rows])

    # Keys are all different, so that no runtime's way with ties can change the order.
    first = graph.add("Sub", [time, steps]) if reverse else steps
    keys = graph.add("Where", [mask, first, graph.add("Add", [first, time])])
    # tract's TopK takes no numbers that come from shapes; a Cast makes them numbers of their own.
    keys = graph.add("Cast", [keys], to=TensorProto.INT32)
    size = graph.add("Gather", [shape, graph.constant([0])], axis=0)
    order = graph.node("TopK", [keys, size], ("keys", "order"), axis=0, largest=0, sorted=1)[1]
    # Counted in int32 for the same reason.
    numbers = graph.add("Cast", [mask], to=TensorProto.INT32)
    counts = graph.add("CumSum", [numbers, zero])
    length = graph.reduce("ReduceSum", numbers, [0])
    if reverse:
        counts = graph.add("Sub", [length, graph.add("Sub", [counts, numbers])])
    counts, length = (graph.add("Cast", [n], to=TensorProto.INT64) for n in (counts, length))
    return Compaction(flat(order), flat(counts), flat(length))


def compacted(graph: Graph, x: str, features: int, places: Compaction) -> str:
    """Return ``x`` (time, batch, features) with the valid steps of each row moved together."""
    rows = graph.add("Reshape", [x, graph.constant([-1, features])])
    return graph.add("Gather", [rows, places.source], axis=0)


def padded(graph: Graph, y: str, initial: str | None, units: int) -> str:
    """Return the states ``y`` (time, batch, units) as rows (-1, units), after the initial state."""
    if initial is None:
        whole = graph.add("Pad", [y, graph.constant([1, 0, 0, 0, 0, 0])])
    else:
        first = graph.add("Unsqueeze", [initial, graph.constant([0])])
        whole = graph.add("Concat", [first, y], axis=0)
    return graph.add("Reshape", [whole, graph.constant([-1, units])])
