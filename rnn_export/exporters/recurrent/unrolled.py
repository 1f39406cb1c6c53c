"""Form unrolled: a fixed number of steps, each a Gemm and the activation; runs on every runtime that was tried.

Steps are taken out by Gather and joined a few at a time: a Concat of many inputs exceeds the storage buffers
of WebGPU, which then returns wrong numbers without an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rnn_export.errors import ExportError
from rnn_export.exporters.activations import activate
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.lowering import Lowering
from rnn_export.exporters.plan import Layout
from rnn_export.exporters.recurrent.masks import Masked
from rnn_export.exporters.recurrent.scan import entering
from rnn_export.exporters.recurrent.tracks import Demand, Track, cell_path, weight_path
from rnn_export.network import TIME, Call
from rnn_export.network.ops import Cell, Recurrent

# Seven inputs and one output: the eight storage buffers that WebGPU guarantees.
_JOINED = 7


def unrolled_tracks(
    low: Lowering,
    call: Call,
    op: Recurrent,
    initial: Sequence[str | None],
    demands: Sequence[Demand],
    masked: Masked | None,
) -> list[Track]:
    """Write a call step by step and return the states of its cells."""
    time = steps_of(low, call)
    masks = [None] * time if masked is None else taken(low.graph, masked.wide(), time)
    steps = low.steps.get(call.inputs[0])
    tracks: list[Track] = []
    outer = low.graph.scope
    for cell, start, demand in zip(op.cells, initial, demands, strict=True):
        low.graph.scope = cell_path(call, cell)
        inputs = _inputs(low, call, cell, steps, time)
        states = _run(low, call, cell, inputs, start, masks, op.go_backwards)
        last = states[0] if op.go_backwards else states[-1]
        sequence = partial(_joined, low, tuple(states)) if demand.sequence else None
        tracks.append(Track(sequence, last if demand.last else None, tuple(states)))
        steps = tuple(states)
    low.graph.scope = outer
    return tracks


def steps_of(low: Lowering, call: Call) -> int:
    """Return the number of steps of a call's input.

    Raises:
        ExportError: it is not fixed.
    """
    size = low.options.size(low.spec(call.inputs[0]).shape[1])
    if isinstance(size, int) and size > 0:
        return size
    advice = "Give time= (--time)" if size == TIME else "Give that input a fixed length"
    raise ExportError(
        f"layer {call.layer!r}",
        expected="a fixed number of time steps for form unrolled",
        got=f"the axis {size!r}",
        advice=f"{advice}, or take another form.",
    )


def taken(graph: Graph, value: str, time: int) -> list[str]:
    """Return every step of ``value`` (time, ...), without the axis of time."""
    return [graph.add("Gather", [value, graph.constant(t)], axis=0) for t in range(time)]


def _inputs(
    low: Lowering, call: Call, cell: Cell, steps: Sequence[str] | None, time: int
) -> list[str]:
    """Return x_t W + b for every step: from one MatMul over all of them, or from steps that stand alone."""
    if steps is None:
        x = low.get(call.inputs[0], Layout.TIME)
        return taken(low.graph, entering(low, call, cell, x), time)
    path = weight_path(call, cell)
    weights = [low.weight(cell.kernel, call, f"{path}/W")]
    if cell.bias is not None:
        weights.append(low.weight(cell.bias, call, f"{path}/B"))
    return [low.graph.add("Gemm", [step, *weights]) for step in steps]


def _run(
    low: Lowering,
    call: Call,
    cell: Cell,
    inputs: Sequence[str],
    initial: str | None,
    masks: Sequence[str | None],
    reverse: bool,
) -> list[str]:
    """Return the state of every step, in the order of time."""
    recurrent = low.weight(cell.recurrent_kernel, call, f"{weight_path(call, cell)}/R")
    graph, held = low.graph, initial
    states = [""] * len(inputs)
    order = range(len(inputs))
    for t in reversed(order) if reverse else order:
        z = inputs[t] if held is None else graph.add("Gemm", [held, recurrent, inputs[t]])
        state = activate(graph, cell.activation, z, call.dtype, f"layer {call.layer!r}")
        mask = masks[t]
        if mask is not None:
            kept = held or Masked(low, mask, reverse).zero(call.dtype)
            state = graph.add("Where", [mask, state, kept])
        if state == z:
            # A linear activation adds no node; taps still need a value of their own for the first state.
            state = graph.add("Identity", [z]) if held is None else z
        states[t] = held = state
    return states


def _joined(low: Lowering, states: Sequence[str]) -> str:
    """Return the states as one value (time, batch, units)."""

    def make() -> str:
        graph = low.graph
        axis = graph.constant([0])
        parts = [graph.add("Unsqueeze", [state, axis]) for state in states]
        while len(parts) > 1:
            groups = [parts[k : k + _JOINED] for k in range(0, len(parts), _JOINED)]
            parts = [g[0] if len(g) == 1 else graph.add("Concat", g, axis=0) for g in groups]
        return parts[0]

    return low.once(("joined", tuple(states)), make)
