"""Several cells in one Scan, each with its own Gemm and activation: a stack, or the directions of a Bidirectional.

A stack does its products with the input in the body too, where they read what lies in the caches. That pays for
large batches, for which hoisting makes no product faster; for small ones it costs a node a cell and step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rnn_export.exporters.activations import activate
from rnn_export.exporters.elements import carrier
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.lowering import Lowering
from rnn_export.exporters.recurrent.loops import State, Stream, scan
from rnn_export.exporters.recurrent.scan import is_folded, looked_up, zeros
from rnn_export.exporters.recurrent.stack import Stack
from rnn_export.exporters.recurrent.tracks import Track, weight_path

Added = Callable[[Graph, int, Sequence[str], Sequence[str]], str]
"""(body, number of a cell, states made in this step, one step of each stream) to what its Gemm adds."""


def chained(low: Lowering, stack: Stack, x: str) -> list[Track]:
    """Write a stack as one Scan with the products with the input in its body; return the states of its cells.

    Args:
        low: the export.
        stack: the cells, each fed by the one before it.
        x: (time, batch, features), in the order in which the cells work.
    """
    folded = is_folded(low, stack.members[0][0])
    weights: list[list[str]] = []
    for k, (call, cell) in enumerate(stack.members):
        path = weight_path(call, cell)
        weights.append([])
        if k or not folded:
            weights[-1].append(low.weight(cell.kernel, call, f"{path}/W"))
            if cell.bias is not None:
                weights[-1].append(low.weight(cell.bias, call, f"{path}/B"))

    def added(body: Graph, k: int, made: Sequence[str], given: Sequence[str]) -> str:
        if folded and not k:
            return given[0]
        return body.add("Gemm", [made[k - 1] if k else given[0], *weights[k]])

    wide, first = carrier(stack.dtype), stack.cells[0]
    if folded:
        streams = [Stream("x", looked_up(low, *stack.members[0], x), wide, first.units)]
    else:
        streams = [Stream("x", x, wide, first.features)]
    return _written(low, stack, x, streams, added)


def beside(low: Lowering, stack: Stack, x: str, added: Sequence[str]) -> list[Track]:
    """Write cells that do not feed one another as one Scan; return their states.

    Args:
        low: the export.
        stack: the cells.
        x: (time, batch, features), for its sizes.
        added: x W + b of each cell, in the order in which it works.
    """
    wide = carrier(stack.dtype)
    parts = zip(added, stack.cells, strict=True)
    streams = [Stream("x", value, wide, cell.units) for value, cell in parts]
    return _written(low, stack, x, streams, lambda body, k, made, given: given[k])


def _written(
    low: Lowering, stack: Stack, x: str, streams: list[Stream], added: Added
) -> list[Track]:
    matrices = [
        low.weight(cell.recurrent_kernel, call, f"{weight_path(call, cell)}/R")
        for call, cell in stack.members
    ]
    if stack.masked is not None:
        streams.append(Stream("mask", stack.masked.wide(), "bool", 1))

    def step(body: Graph, held: Sequence[str], given: Sequence[str]) -> list[str]:
        made: list[str] = []
        for k, (call, cell) in enumerate(stack.members):
            z = body.add("Gemm", [held[k], matrices[k], added(body, k, made, given)])
            state = activate(body, cell.activation, z, call.dtype, f"layer {call.layer!r}")
            if stack.masked is not None:
                state = body.add("Where", [given[-1], state, held[k]])
            made.append(state)
        return made

    parts = zip(stack.initial, stack.cells, stack.demands, strict=True)
    wide = carrier(stack.dtype)
    states = [
        State(
            Stream("h", h or zeros(low, x, cell.units, stack.dtype), wide, cell.units), d.sequence
        )
        for h, cell, d in parts
    ]
    return [
        Track(sequence, last)
        for last, sequence in scan(low.graph, stack.path, states, streams, step)
    ]
