"""Which recurrent calls form a stack that one Scan runs: as a wavefront, or chained."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_export.exporters.options import Options
from rnn_export.network import Call, Network, TensorId
from rnn_export.network.ops import Recurrent

WAVE_UNITS = 128
"""Units of a wavefront: the product with a larger matrix costs more than the nodes that it saves."""

CHAINED_BATCH, CHAINED_SIZE = 32, 6144
"""Rows, and rows times the units of all cells, from which on products with the input are faster in the body."""


def stacks(
    network: Network, options: Options, live: frozenset[TensorId]
) -> Mapping[str, tuple[Call, ...]]:
    """Return {path of a stack's last call: its calls, in order}.

    Form "wavefront" makes them of all stacks but those of one cell, of so many layers each that its matrix
    stays small; form "scan", for a fixed batch, of those that are faster chained.

    Each call reads the one before it directly and in the order in which that one works, under the same mask
    and in the same dtype; nothing in between, outside of the stack, reads any of its results.
    """
    if options.form not in ("wavefront", "scan"):
        return {}
    calls = [call for call in network.calls if live.intersection(call.outputs)]
    taken: set[str] = set()
    found: dict[str, tuple[Call, ...]] = {}
    for first in range(len(calls)):
        if calls[first].path in taken or not isinstance(calls[first].op, Recurrent):
            continue
        stack = _grown(calls, first)
        taken.update(call.path for call in stack)
        if options.form == "wavefront":
            found.update(
                (part[-1].path, tuple(part))
                for part in _waves(stack)
                if sum(len(_op(call).cells) for call in part) > 1
            )
        elif chains(stack, options):
            found[stack[-1].path] = tuple(stack)
    return found


def chains(stack: list[Call], options: Options) -> bool:
    """Tell whether a stack is faster with the products with the input in the body; see docs/performance.md."""
    batch, units = options.batch or 1, sum(map(_units, stack))
    wide = batch >= CHAINED_BATCH and batch * units >= CHAINED_SIZE
    return wide and stack[0].dtype == "float32"


def _waves(stack: list[Call]) -> list[list[Call]]:
    """Return a stack in as many parts as it takes to have at most WAVE_UNITS units in each, or a single call."""
    parts: list[list[Call]] = [[]]
    for call in stack:
        if parts[-1] and sum(map(_units, (*parts[-1], call))) > WAVE_UNITS:
            parts.append([])
        parts[-1].append(call)
    return parts


def _units(call: Call) -> int:
    return sum(cell.units for cell in _op(call).cells)


def _op(call: Call) -> Recurrent:
    if not isinstance(call.op, Recurrent):
        raise TypeError(f"{call.path} is not recurrent")
    return call.op


def _grown(calls: list[Call], first: int) -> list[Call]:
    stack = [calls[first]]
    made = set(calls[first].outputs)
    for call in calls[first + 1 :]:
        if not made.intersection(call.reads):
            continue
        if not isinstance(call.op, Recurrent) or not _continues(stack[-1], call, made):
            break
        stack.append(call)
        made.update(call.outputs)
    return stack


def _continues(below: Call, above: Call, made: set[TensorId]) -> bool:
    """Tell whether ``above`` can run one tick behind ``below``."""
    op, next_op = _op(below), _op(above)
    others = {*above.initial, *(() if above.mask is None else (above.mask,))}
    return (
        "sequence" in op.emits
        and above.inputs[0] == below.outputs[0]
        and not made.intersection(others)
        and below.mask == above.mask
        and below.dtype == above.dtype
        and next_op.go_backwards == (op.go_backwards and op.time_order)
        and (below.mask is None or not _changes(below, op))
    )


def _changes(call: Call, op: Recurrent) -> bool:
    """Tell whether a mask makes outputs differ from states, or outputs stand in another order than the mask."""
    turned = op.go_backwards and not op.time_order
    return turned or op.zero_output_for_mask or bool(call.initial)
