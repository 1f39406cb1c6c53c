"""Form scan: the input projection for all steps at once, then a Scan whose body is one Gemm and the activation.

Along axis 0, without dimension names in the body: onnx' ReferenceEvaluator and IREE fail on other axes, tract
on names. The body is Gemm(h, R, x W + b): the fastest on onnxruntime, and right on OpenVINO, which computes
wrong numbers for Add(x, MatMul(h, R)) with a static batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rnn_export.exporters.activations import activate
from rnn_export.exporters.elements import carrier
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.lowering import Lowering, named
from rnn_export.exporters.ops.arrange import flipped
from rnn_export.exporters.plan import Layout
from rnn_export.exporters.recurrent.loops import State, Stream, scan
from rnn_export.exporters.recurrent.masks import Masked
from rnn_export.exporters.recurrent.tracks import Demand, Track, cell_path, weight_path
from rnn_export.exporters.tables import Table
from rnn_export.network import Call
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.network.ops import Cell, Embedding, Recurrent


def scan_tracks(
    low: Lowering,
    call: Call,
    op: Recurrent,
    initial: Sequence[str | None],
    demands: Sequence[Demand],
    masked: Masked | None,
) -> list[Track]:
    """Write a call as one Scan per cell and return the states of its cells.

    Backwards, the input is turned, not the Scan: onnx' ReferenceEvaluator knows no direction, and a sequence
    in the order of processing is what Keras mostly wants then.
    """
    x = low.get(call.inputs[0], Layout.TIME)
    mask = None if masked is None else masked.wide()
    if op.go_backwards:
        x, mask = flipped(low, x), None if mask is None else flipped(low, mask)
    tracks: list[Track] = []
    enter = entering
    for cell, start, demand in zip(op.cells, initial, demands, strict=True):
        track = _scan(low, call, cell, x, enter, start, demand, mask)
        enter = projected
        tracks.append(turned(low, track) if op.go_backwards else track)
        x = x if track.sequence is None else named(track.sequence)
    return tracks


def turned(low: Lowering, track: Track) -> Track:
    """Return a track in the order of time whose states stand in the order of processing."""
    states = track.sequence
    return Track(None if states is None else lambda: flipped(low, named(states)), track.last)


def projected(low: Lowering, call: Call, cell: Cell, x: str) -> str:
    """Return x W + b for all steps, in the layout of ``x`` (time, batch, features).

    One Gemm over all steps and rows takes the bias along; an Add would be one more pass over memory.
    """
    path = weight_path(call, cell)
    kernel = low.weight(cell.kernel, call, f"{path}/W")
    if cell.bias is None:
        return low.graph.add("MatMul", [x, kernel])
    bias = low.weight(cell.bias, call, f"{path}/B")
    rows = low.once(("rows", x), lambda: low.graph.add("Flatten", [x], axis=2))
    value = low.graph.add("Gemm", [rows, kernel, bias])
    return low.graph.add("Reshape", [value, _steps(low, call, x, cell.units)])


def entering(low: Lowering, call: Call, cell: Cell, x: str) -> str:
    """Return x W + b of a call's first cell: by a product, or by the tokens that stand for a folded embedding."""
    return (looked_up if is_folded(low, call) else projected)(low, call, cell, x)


def is_folded(low: Lowering, call: Call) -> bool:
    """Tell whether a call reads a folded embedding."""
    return call.inputs[0] in low.folded


def looked_up(low: Lowering, call: Call, cell: Cell, tokens: str) -> str:
    """Return x W + b for all steps of a folded embedding from its tokens (time, batch)."""
    rows = low.folded[call.inputs[0]].op
    assert isinstance(rows, Embedding)
    table = Table(rows.table, cell.kernel, cell.bias, call.dtype)
    name = low.graph.store(table, f"{weight_path(call, cell)}/table")
    low.tables[call.path] = name
    return low.graph.add("Gather", [name, tokens], axis=0)


def _steps(low: Lowering, call: Call, x: str, units: int) -> str:
    """Return the shape (time, batch, units): a constant where at most one size is left open."""
    batch, time = map(low.options.size, low.spec(call.inputs[0]).shape[:2])
    sizes = [size if isinstance(size, int) else -1 for size in (time, batch)]
    if sizes.count(-1) < 2:
        return low.graph.constant([*sizes, units])

    def make() -> str:
        both = low.once(("time and batch", x), lambda: low.graph.sizes(x, 0, 2))
        return low.graph.add("Concat", [both, low.graph.constant([units])], axis=0)

    return low.once(("steps", x, units), make)


def zeros(low: Lowering, x: str, units: int, dtype: str) -> str:
    """Return zeros (batch, units) for ``x`` (time, batch, features)."""

    def make() -> str:
        batch = low.graph.sizes(x, 1)
        shape = low.graph.add("Concat", [batch, low.graph.constant([units])], axis=0)
        return low.graph.add("Expand", [low.graph.constant(0, numpy_dtype(carrier(dtype))), shape])

    return low.once(("zeros", x, units, dtype), make)


def _scan(
    low: Lowering,
    call: Call,
    cell: Cell,
    x: str,
    enter: Callable[[Lowering, Call, Cell, str], str],
    initial: str | None,
    demand: Demand,
    mask: str | None,
) -> Track:
    start = initial or zeros(low, x, cell.units, call.dtype)
    wide = carrier(call.dtype)
    streams = [Stream("x", enter(low, call, cell, x), wide, cell.units)]
    if mask is not None:
        streams.append(Stream("mask", mask, "bool", 1))
    recurrent = low.weight(cell.recurrent_kernel, call, f"{weight_path(call, cell)}/R")

    def step(body: Graph, held: Sequence[str], given: Sequence[str]) -> list[str]:
        z = body.add("Gemm", [held[0], recurrent, given[0]])
        made = activate(body, cell.activation, z, call.dtype, f"layer {call.layer!r}")
        return [made if mask is None else body.add("Where", [given[1], made, held[0]])]

    state = State(Stream("h", start, wide, cell.units), demand.sequence)
    ((last, sequence),) = scan(low.graph, cell_path(call, cell), [state], streams, step)
    return Track(sequence, last)
