"""What is asked of every cell of a recurrent call, and what each form answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rnn_export.exporters.lowering import Lowering, Value
from rnn_export.network import Call
from rnn_export.network.ops import Cell, Recurrent


class Demand(NamedTuple):
    """Whether anybody reads a cell's states over time, and its state after the last step.

    Cells below another one are read over time by that one.
    """

    sequence: bool
    last: bool


class Track(NamedTuple):
    """A cell's states: over time (time, batch, units), in the order of time, and after the last step (batch, units).

    None for what nobody asked for. A masked step holds the state it kept. ``steps`` are the same states one
    by one, where the form has them so.
    """

    sequence: Value | None
    last: Value | None
    steps: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Places:
    """Where a recurrent call puts its results: tensors by what they are, None for what nobody reads."""

    sequence: str | None
    output: str | None
    states: tuple[str | None, ...]

    @classmethod
    def of(cls, call: Call, op: Recurrent, low: Lowering) -> Places:
        rest = [tensor if low.live(tensor) else None for tensor in call.outputs]
        sequence = rest.pop(0) if "sequence" in op.emits else None
        output = rest.pop(0) if "output" in op.emits else None
        return cls(sequence, output, tuple(rest) or (None,) * len(op.cells))

    def demands(self, taps: bool, feeding: bool = True) -> tuple[Demand, ...]:
        """Return what is asked of each cell.

        Args:
            taps: all states are read.
            feeding: every cell but the last is read by the next one.
        """
        count = len(self.states)
        return tuple(
            Demand(
                sequence=taps
                or (feeding and k < count - 1)
                or (k == count - 1 and self.sequence is not None),
                last=state is not None or (k == count - 1 and self.output is not None),
            )
            for k, state in enumerate(self.states)
        )


def cell_path(call: Call, cell: Cell) -> str:
    """Return the path that names a cell's nodes: the call's, with the cell's name where there are several."""
    return f"{call.path}/{cell.name}" if cell.name else call.path


def weight_path(call: Call, cell: Cell) -> str:
    """Return the path that names a cell's weights: without the number of the call, which shares them."""
    return f"{call.layer}/{cell.name}" if cell.name else call.layer
