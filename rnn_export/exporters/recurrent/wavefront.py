"""Form wavefront: a stack of cells as one Scan over time + cells - 1 ticks.

At tick k cell l computes time k - l, from its own state and the state that the cell below reached one tick
before. All states stand side by side; one Gemm with the block bidiagonal matrix of R_l and W_l and one
activation serve all cells. Before its first step a cell must keep its state: where that is 0 and f(0) = 0, it
is fed no bias until then; otherwise a Where selects. Pays where a call costs more than its sums.

A state that is not finite reaches the cells above early, because 0 * inf is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from rnn_export.exporters.elements import carrier
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.lowering import Lowering
from rnn_export.exporters.recurrent.loops import State, Stream, scan
from rnn_export.exporters.recurrent.scan import is_folded, looked_up
from rnn_export.exporters.recurrent.stack import Stack, activated, started
from rnn_export.exporters.recurrent.tracks import Track, weight_path
from rnn_export.exporters.stored import Fixed, Laid
from rnn_export.network.dtypes import numpy_dtype

_END = 2**63 - 1


def wavefront(low: Lowering, stack: Stack, x: str) -> list[Track]:
    """Write the stack and return the states of its cells.

    Args:
        low: the export.
        stack: the cells.
        x: (time, batch, features), in the order in which the cells work.
    """
    graph, edges = low.graph, stack.edges
    wide, width = carrier(stack.dtype), edges[-1]
    streams = [Stream("x", _stream(low, stack, x), wide, width)]
    if stack.selects:
        streams.append(Stream("valid", _held(low, stack, x), "bool", width))
    matrix = graph.store(_matrix(stack), f"{stack.weights}/M")

    def step(body: Graph, held: Sequence[str], given: Sequence[str]) -> list[str]:
        made = activated(body, stack, body.add("Gemm", [held[0], matrix, given[0]]))
        return [body.add("Where", [given[1], made, held[0]]) if stack.selects else made]

    *lower, top = stack.demands
    over_time = top.sequence or any(d.sequence or (d.last and not stack.selects) for d in lower)
    state = State(Stream("h", started(low, stack, x), wide, width), over_time)
    ((last, sequence),) = scan(graph, stack.path, [state], streams, step)
    _hint(graph, "rnn_export.units", stack)
    return [_track(low, stack, k, last, sequence) for k in range(len(edges) - 1)]


def crosswise(low: Lowering, stack: Stack, x: str, added: Sequence[str]) -> list[Track]:
    """Write cells that do not feed one another as one Scan with a block diagonal matrix; return their states.

    Args:
        low: the export.
        stack: the cells, without a mask.
        x: (time, batch, features), for its sizes.
        added: x W + b of each cell, in the order in which it works.
    """
    graph, edges = low.graph, stack.edges
    wide, width = carrier(stack.dtype), edges[-1]
    streams = [Stream("x", graph.add("Concat", list(added), axis=2), wide, width)]
    matrix = graph.store(_matrix(stack, feeding=False), f"{stack.weights}/M")

    def step(body: Graph, held: Sequence[str], given: Sequence[str]) -> list[str]:
        return [activated(body, stack, body.add("Gemm", [held[0], matrix, given[0]]))]

    over_time = any(demand.sequence for demand in stack.demands)
    state = State(Stream("h", started(low, stack, x), wide, width), over_time)
    ((last, sequence),) = scan(graph, stack.path, [state], streams, step)
    _hint(graph, "rnn_export.beside", stack)
    tracks = []
    for k, demand in enumerate(stack.demands):
        start, stop = edges[k], edges[k + 1]
        states = partial(_cut, graph, sequence or "", [(start, stop, 2)])
        tracks.append(
            Track(
                states if demand.sequence else None,
                partial(_cut, graph, last, [(start, stop, 1)]) if demand.last else None,
            )
        )
    return tracks


def _hint(graph: Graph, key: str, stack: Stack) -> None:
    """Tell taps which columns of the last node's state belong to which cell."""
    hint = graph.nodes[-1].metadata_props.add()
    hint.key, hint.value = key, ",".join(str(cell.units) for cell in stack.cells)


def _matrix(stack: Stack, feeding: bool = True) -> Fixed:
    """Return R_l on the diagonal and, where cells feed one another, W_l beside it: (all units, all units)."""
    edges, held = stack.edges, carrier(stack.dtype)
    matrix = np.zeros((edges[-1], edges[-1]), numpy_dtype(held))
    for k, cell in enumerate(stack.cells):
        own = slice(edges[k], edges[k + 1])
        matrix[own, own] = Laid(cell.recurrent_kernel, stack.dtype, held).read()
        if k and feeding:
            matrix[edges[k - 1] : edges[k], own] = Laid(cell.kernel, stack.dtype, held).read()
    return Fixed(matrix)


def _stream(low: Lowering, stack: Stack, x: str) -> str:
    """Return what is added at every tick: x W_0 + b_0 for the first cell, the bias of the others once they run.

    A folded table has b_0 in it: behind its last step the first cell then goes on without, and nobody reads it.
    """
    graph, edges = low.graph, stack.edges
    ticks, rest = len(edges) - 2, edges[-1] - edges[1]
    call, first = stack.members[0]
    folded = is_folded(low, call)
    if folded:
        wide = looked_up(low, call, first, x)
    else:
        kernel = low.weight(first.kernel, call, f"{weight_path(call, first)}/W")
        wide = graph.add("MatMul", [x, kernel])
    wide = graph.add("Pad", [wide, graph.constant([0, 0, 0, ticks, 0, rest])])
    dtype = numpy_dtype(carrier(stack.dtype))
    rows = np.zeros((ticks + 1, 1, edges[-1]), dtype)
    for k, (call, cell) in enumerate(stack.members):
        if cell.bias is not None and (k or not folded):
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


def _track(low: Lowering, stack: Stack, k: int, last: str, sequence: str | None) -> Track:
    """Return the states of cell ``k``: its columns, at the ticks at which it ran."""
    graph, edges = low.graph, stack.edges
    behind = len(edges) - 2 - k
    demand = stack.demands[k]

    def over_time() -> str:
        ticks = (k, -behind if behind else _END, 0)
        return _cut(graph, sequence or "", [ticks, (edges[k], edges[k + 1], 2)])

    def at_end() -> str:
        if behind == 0 or stack.selects:
            return _cut(graph, last, [(edges[k], edges[k + 1], 1)])
        tick = (-behind - 1, -behind, 0)
        row = _cut(graph, sequence or "", [tick, (edges[k], edges[k + 1], 2)])
        return graph.add("Squeeze", [row, graph.constant([0])])

    return Track(over_time if demand.sequence else None, at_end if demand.last else None)


def _cut(graph: Graph, value: str, bounds: Sequence[tuple[int, int, int]]) -> str:
    """Return a part of ``value``: (start, stop, axis) each."""
    starts, stops, axes = (graph.constant(list(column)) for column in zip(*bounds, strict=True))
    return graph.add("Slice", [value, starts, stops, axes])
