"""Merges stacked recurrent calls into one, since torch.nn.RNN takes several layers at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from rnn_export.network import Call, Network
from rnn_export.network.ops import Cell, Recurrent


def merged(network: Network) -> Network:
    """Return the network with each stack of recurrent calls as one call of several cells, which means the same."""
    readers = Counter(tensor for call in network.calls for tensor in call.reads)
    readers.update(port.tensor for port in network.outputs)
    calls: list[Call] = []
    for call in network.calls:
        joined = _joined(calls[-1], call, readers) if calls else None
        if joined is None:
            calls.append(call)
        else:
            calls[-1] = joined
    return replace(network, calls=tuple(calls))


def alike(cells: Sequence[Cell]) -> list[tuple[Cell, ...]]:
    """Return neighbouring cells of equal units, activation and use of a bias together."""
    traits = lambda cell: (cell.units, cell.activation, cell.bias is None)  # noqa: E731
    return [tuple(group) for _, group in groupby(cells, traits)]


def _joined(before: Call, call: Call, readers: Counter[str]) -> Call | None:
    """Return both calls as one, or None where the second is not stacked on the first alone."""
    first, second = before.op, call.op
    if not (isinstance(first, Recurrent) and isinstance(second, Recurrent)):
        return None
    stacked = (
        first.emits == ("sequence",)
        and call.inputs == before.outputs
        and readers[before.outputs[0]] == 1
        and "state" not in second.emits
    )
    plain = not (first.go_backwards or second.go_backwards or call.initial or call.mask)
    if not (stacked and plain):
        return None
    op = replace(second, cells=first.cells + second.cells)
    return replace(call, op=op, inputs=before.inputs, mask=before.mask, initial=before.initial)
