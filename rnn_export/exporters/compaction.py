"""Any mask on the native operator: valid steps moved together, run, and their states read back where they belong.

The valid steps of each row are gathered to the side where the operator begins, so that what follows them
cannot touch their states and no sequence_lens is needed: runtimes that ignore it (OpenVINO with symbolic
axes, onnx' ReferenceEvaluator) are right too. A padding row in front of the states (behind them, where time
runs backwards) holds the initial state; it is what a step reads before the first valid one, what a fully
masked row ends with, and what there is when time has no steps at all.
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
        reverse: whether time runs backwards.
    """

    source: str
    slot: str
    final: str
    reverse: bool


def compaction(graph: Graph, mask: str, reverse: bool) -> Compaction:
    """Write the indices for ``mask`` (time, batch), bool."""
    shape = graph.add("Shape", [mask])
    time = graph.add("Gather", [shape, graph.constant(0)], axis=0)
    batch = graph.add("Gather", [shape, graph.constant(1)], axis=0)
    zero, one = graph.constant(0), graph.constant(1)
    steps = graph.add("Unsqueeze", [graph.add("Range", [zero, time, one]), graph.constant([1])])
    rows = graph.add("Range", [zero, batch, one])

    def flat(index: str) -> str:
        return graph.add("Add", [graph.add("Mul", [index, batch]), rows])

    # Keys are all different, so that no runtime's way with ties can change the order.
    later = graph.add("Add", [steps, time])
    keys = graph.add("Where", [mask, later, steps] if reverse else [mask, steps, later])
    size = graph.add("Gather", [shape, graph.constant([0])], axis=0)
    order = graph.node("TopK", [keys, size], ("keys", "order"), axis=0, largest=0, sorted=1)[1]
    numbers = graph.add("Cast", [mask], to=TensorProto.INT64)
    counts = graph.add("CumSum", [numbers, zero], reverse=int(reverse))
    length = graph.reduce("ReduceSum", numbers, [0])
    if reverse:
        counts, length = graph.add("Sub", [time, counts]), graph.add("Sub", [time, length])
    return Compaction(flat(order), flat(counts), flat(length), reverse)


def compacted(graph: Graph, x: str, features: int, places: Compaction) -> str:
    """Return ``x`` (time, batch, features) with the valid steps of each row moved together."""
    rows = graph.add("Reshape", [x, graph.constant([-1, features])])
    return graph.add("Gather", [rows, places.source], axis=0)


def padded(graph: Graph, y: str, initial: str | None, units: int, reverse: bool) -> str:
    """Return the states ``y`` (time, batch, units) as rows (-1, units), with the initial state before the first."""
    if initial is None:
        pads = [0, 0, 0, 1, 0, 0] if reverse else [1, 0, 0, 0, 0, 0]
        whole = graph.add("Pad", [y, graph.constant(pads)])
    else:
        first = graph.add("Unsqueeze", [initial, graph.constant([0])])
        whole = graph.add("Concat", [y, first] if reverse else [first, y], axis=0)
    return graph.add("Reshape", [whole, graph.constant([-1, units])])
