"""Cells that run in one Scan, and what their ways of doing so share."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from rnn_export.exporters.activations import activate
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.lowering import Lowering
from rnn_export.exporters.recurrent.masks import Masked
from rnn_export.exporters.recurrent.scan import zeros
from rnn_export.exporters.recurrent.tracks import Demand, cell_path, weight_path
from rnn_export.network import Call
from rnn_export.network.ops import Cell


@dataclass(frozen=True)
class Stack:
    """Cells that run in one Scan.

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
    def path(self) -> str:
        """The path of all: the name of the node that runs them, from which taps read theirs."""
        return "//".join(cell_path(*member) for member in self.members)

    @property
    def weights(self) -> str:
        """What weights of all are named by."""
        return "//".join(weight_path(*member) for member in self.members)

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


def started(low: Lowering, stack: Stack, x: str) -> str:
    """Return all initial states side by side, (batch, all units)."""
    if not any(stack.initial):
        return zeros(low, x, stack.edges[-1], stack.dtype)
    parts = [
        h or zeros(low, x, cell.units, stack.dtype)
        for h, cell in zip(stack.initial, stack.cells, strict=True)
    ]
    return low.graph.add("Concat", parts, axis=1)


def activated(body: Graph, stack: Stack, z: str) -> str:
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
