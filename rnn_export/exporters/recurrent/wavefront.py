"""Form wavefront: a stack of cells as one Scan over time + cells - 1 ticks.

At tick k cell l computes time k - l, from its own state and the state that the cell below reached one tick
before. All states stand side by side; one Gemm with the block bidiagonal matrix of R_l and W_l and one
activation serve all cells. Before its first step a cell must keep its state: where that is 0 and f(0) = 0, it
is fed no bias until then; otherwise a Where selects. Pays where a call costs more than its sums.

A state that is not finite reaches the cells above early, because 0 * inf is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from rnn_export.exporters.activations import activate
from rnn_export.exporters.elements import carrier, numpy_dtype
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.lowering import Lowering
from rnn_export.exporters.recurrent.masks import Masked
from rnn_export.exporters.recurrent.scan import Stream, scan, zeros
from rnn_export.exporters.recurrent.tracks import Demand, Track, cell_path, weight_path
from rnn_export.exporters.stored import Fixed, Laid
from rnn_export.network import Call
from rnn_export.network.ops import Cell

_END = 2**63 - 1


@dataclass(frozen=True)
class Stack:
    """Cells that run as one wavefront.

    Args:
        members: (call, cell), from the input upwards.
        initial: the initial state of each, None for zeros.
        demands: what is read of each.
        masked: the mask of all, in the order in which the cells work, or None.
    """

    members: tuple[tuple[Call, Cell], ...]
    initial: tuple[str | None, ...]
    demands: tuple[Demand, ...]
    masked: Masked | None

    @property
    def dtype(self) -> str:
        return self.members[0][0].dtype

    @property
    def cells(self) -> list[Cell]:
        return [cell for _, cell in self.members]

    @property
    def edges(self) -> list[int]:
        """Where each cell's units begin among all, and where the last one's end."""
        return [0, *accumulate(cell.units for cell in self.cells)]

    @property
    def selects(self) -> bool:
        """Whether cells must be held by a Where before their first and after their last step.

        An initial state of any cell but the last would move the cell above it before its time.
        """
        upper = self.cells[1:]
        moved = any(cell.activation(np.zeros((1, cell.units))).any() for cell in upper)
        return self.masked is not None or moved or any(h is not None for h in self.initial)


def wavefront(low: Lowering, stack: Stack, x: str) -> list[Track]:
    """Write the stack and return the states of its cells.

    Args:
        low: the export.
        stack: the cells.
        x: (time, batch, features), in the order in which the cells work.
    """
    graph, edges = low.graph, stack.edges
    wide, width = carrier(stack.dtype), edges[-1]
    state = Stream("h", _start(low, stack, x), wide, width)
    streams = [Stream("x", _stream(low, stack, x), wide, width)]
    if stack.selects:
        streams.append(Stream("valid", _held(low, stack, x), "bool", width))
    path = "//".join(cell_path(call, cell) for call, cell in stack.members)
    matrix = graph.store(_matrix(stack), f"{'//'.join(weight_path(*m) for m in stack.members)}/M")

    def step(body: Graph, held: str, given: Sequence[str]) -> str:
        made = _activated(body, stack, body.add("Gemm", [held, matrix, given[0]]))
        return body.add("Where", [given[1], made, held]) if stack.selects else made

    *lower, top = stack.demands
    over_time = top.sequence or any(d.sequence or (d.last and not stack.selects) for d in lower)
    last, sequence = scan(graph, path, state, streams, step, over_time)
    hint = graph.nodes[-1].metadata_props.add()
    hint.key, hint.value = "rnn_export.units", ",".join(str(cell.units) for cell in stack.cells)
    return [_track(low, stack, k, last, sequence) for k in range(len(edges) - 1)]


def _matrix(stack: Stack) -> Fixed:
    """Return R_l on the diagonal and W_l beside it, (all units, all units)."""
    edges, held = stack.edges, carrier(stack.dtype)
    matrix = np.zeros((edges[-1], edges[-1]), numpy_dtype(held))
    for k, cell in enumerate(stack.cells):
        own = slice(edges[k], edges[k + 1])
        matrix[own, own] = Laid(cell.recurrent_kernel, stack.dtype, held).read()
        if k:
            matrix[edges[k - 1] : edges[k], own] = Laid(cell.kernel, stack.dtype, held).read()
    return Fixed(matrix)


def _start(low: Lowering, stack: Stack, x: str) -> str:
    """Return all initial states side by side, (batch, all units)."""
    if not any(stack.initial):
        return zeros(low, x, stack.edges[-1], stack.dtype)
    parts = [
        h or zeros(low, x, cell.units, stack.dtype)
        for h, cell in zip(stack.initial, stack.cells, strict=True)
    ]
    return low.graph.add("Concat", parts, axis=1)


def _stream(low: Lowering, stack: Stack, x: str) -> str:
    """Return what is added at every tick: x W_0 + b_0 for the first cell, the bias of the others once they run."""
    graph, edges = low.graph, stack.edges
    ticks, rest = len(edges) - 2, edges[-1] - edges[1]
    call, first = stack.members[0]
    kernel = low.weight(first.kernel, call, f"{weight_path(call, first)}/W")
    wide = graph.add("MatMul", [x, kernel])
    wide = graph.add("Pad", [wide, graph.constant([0, 0, 0, ticks, 0, rest])])
    dtype = numpy_dtype(carrier(stack.dtype))
    rows = np.zeros((ticks + 1, 1, edges[-1]), dtype)
    for k, (call, cell) in enumerate(stack.members):
        if cell.bias is not None:
            bias = Laid(cell.bias, call.dtype, carrier(call.dtype)).read()
            rows[0 if stack.selects else k :, 0, edges[k] : edges[k + 1]] = bias
    if not rows.any():
        return wide
    if stack.selects:
        return graph.add("Add", [wide, graph.constant(rows[-1], dtype)])
    shape = graph.add("Concat", [graph.sizes(x, 0), graph.constant([1, 1])], axis=0)
    steady = graph.add("Expand", [graph.constant(rows[-1:], dtype), shape])
    rising = graph.add("Concat", [graph.constant(rows[:-1], dtype), steady], axis=0)
    return graph.add("Add", [wide, rising])


def _held(low: Lowering, stack: Stack, x: str) -> str:
    """Return at which ticks which units move, bool, (ticks, batch or 1, all units)."""
    graph, above = low.graph, len(stack.cells) - 1
    if stack.masked is None:
        shape = graph.add("Concat", [graph.sizes(x, 0), graph.constant([1, 1])], axis=0)
        steps = graph.add("Expand", [graph.constant(1, "float32"), shape])
    else:
        steps = graph.add("Cast", [stack.masked.wide()], to=1)
    parts = []
    for k, cell in enumerate(stack.cells):
        shifted = graph.add("Pad", [steps, graph.constant([k, 0, 0, above - k, 0, 0])])
        parts.append(graph.add("Tile", [shifted, graph.constant([1, 1, cell.units])]))
    return graph.add("Cast", [graph.add("Concat", parts, axis=2)], to=9)


def _activated(body: Graph, stack: Stack, z: str) -> str:
    """Return the activations of all cells, in one operator where they are the same and act on single units."""
    cells = stack.cells
    subject = f"layer {stack.members[0][0].layer!r}"
    kinds = {cell.activation for cell in cells}
    if len(kinds) == 1 and not cells[0].activation.function.vector:
        return activate(body, cells[0].activation, z, stack.dtype, subject)
    sizes = body.constant([cell.units for cell in cells])
    parts = body.node("Split", [z, sizes], [f"z{k}" for k in range(len(cells))], axis=1)
    made = [
        activate(body, cell.activation, part, stack.dtype, subject)
        for cell, part in zip(cells, parts, strict=True)
    ]
    return body.add("Concat", made, axis=1)


def _track(low: Lowering, stack: Stack, k: int, last: str, sequence: str | None) -> Track:
    """Return the states of cell ``k``: its columns, at the ticks at which it ran."""
    graph, edges = low.graph, stack.edges
    behind = len(edges) - 2 - k
    demand = stack.demands[k]

    def cut(value: str, bounds: list[tuple[int, int, int]]) -> str:
        starts, stops, axes = (graph.constant(list(column)) for column in zip(*bounds, strict=True))
        return graph.add("Slice", [value, starts, stops, axes])

    def over_time() -> str:
        ticks = (k, -behind if behind else _END, 0)
        return cut(sequence or "", [ticks, (edges[k], edges[k + 1], 2)])

    def at_end() -> str:
        if behind == 0 or stack.selects:
            return cut(last, [(edges[k], edges[k + 1], 1)])
        tick = (-behind - 1, -behind, 0)
        row = cut(sequence or "", [tick, (edges[k], edges[k + 1], 2)])
        return graph.add("Squeeze", [row, graph.constant([0])])

    return Track(over_time if demand.sequence else None, at_end if demand.last else None)
