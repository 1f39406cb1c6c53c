"""Recurrent calls on the walk: which reading is which cell, and what the call puts out of the states read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from rnn_export.builders.reference import evaluate
from rnn_export.network import Call, Network
from rnn_export.network.ops import Recurrent
from rnn_export.verifier import tapped
from rnn_export.verifier.bounds.cell import Affine
from rnn_export.verifier.bounds.precision import Arithmetic
from rnn_export.verifier.comparing import Comparison
from rnn_export.verifier.estimate import Estimate, noisy
from rnn_export.verifier.observation import CellReading
from rnn_export.verifier.order import Order, emit
from rnn_export.verifier.steps import Case, fits, states_start
from rnn_export.verifier.trail import Shown, Trail, Tread


def cell_paths(call: Call) -> tuple[str, ...]:
    """Return the paths of a recurrent call's cells."""
    op = call.op
    assert isinstance(op, Recurrent)
    if len(op.cells) == 1:
        return (call.path,)
    return tuple(f"{call.path}/{cell.name}" for cell in op.cells)


class Recurring:
    """The readings of a walk, used up call by call."""

    def __init__(
        self, network: Network, shown: Shown, trail: Trail, rng: np.random.Generator
    ) -> None:
        self._network = network
        self._rng = rng
        self._shown = shown
        self._trail = trail
        self._unread = list(shown.cells)
        self.seen_input: np.ndarray | None = None
        """The last call's input as its node had it, (batch, time, features), where it was right."""

    def outputs(
        self,
        call: Call,
        x: Estimate,
        starts: Sequence[Estimate],
        order: Order,
        arithmetic: Arithmetic,
        fed_by: str,
    ) -> tuple[Estimate, ...] | None:
        """Check a call's cells by their readings and return its outputs; None where a reading is missing.

        Args:
            call: a Recurrent call.
            x: (batch, time, features).
            starts: initial states.
            order: the call's.
            arithmetic: of the runtime.
            fed_by: the layer to name where the input is wrong; "" for the cell itself.
        """
        self.seen_input = None
        op = call.op
        assert isinstance(op, Recurrent)
        bound = None if x.bound is None else order.process(x.bound)
        below = Estimate(order.process(x.value), bound, hidden=x.hidden)
        comparisons: list[Comparison] = []
        treads: list[Tread] = []
        used: list[CellReading] = []
        for path, cell, start in zip(cell_paths(call), op.cells, starts, strict=True):
            affine = Affine.of(cell, call.dtype)
            readings = [
                reading
                for reading in self._candidates(path, call, x, order)
                if fits(reading, affine.kernel) and not _among(reading, used)
            ]
            if not readings:
                return None
            case = Case(
                path,
                call.dtype,
                affine,
                below,
                start,
                order,
                readings[0],
                arithmetic,
                self._shown.envelope,
                fed_by or path,
            )
            found, tread = _best(case, readings)
            if any(item.failed for item in found) and self._of_others(path, readings):
                return None
            comparisons += found
            used.append(tread.case.reading if tread else readings[0])
            if tread is None:
                break
            if not treads:
                self.seen_input = tapped.seen_input(tread.case, found)
            treads.append(tread)
            below, fed_by = tapped.states(tread.case, tread.steps), ""
        self._unread = [item for item in self._unread if not _among(item, used)]
        self._trail.comparisons += comparisons
        self._trail.treads += treads
        if len(treads) < len(op.cells):
            values = evaluate(
                call, [x.value], order.mask, [item.value for item in starts], np.float64
            )
            return tuple(Estimate(value) for value in values)
        for tread in treads:
            self._trail.exercised[tread.case.path] = bool(np.any(tread.steps.before != 0))
        return self._emitted(call, op, treads, order)

    def _candidates(self, path: str, call: Call, x: Estimate, order: Order) -> list[CellReading]:
        """Return readings that may be the cell's, the hinted one first, then in the graph's order."""
        own = self._from_output(call, x, order)
        if own is not None:
            return [own]
        return sorted(self._unread, key=lambda reading: reading.cell != path)

    def _of_others(self, path: str, readings: list[CellReading]) -> bool:
        """Tell whether every reading is said to be of another cell: then this one shows none of its own.

        An unrolled cell whose only step begins with zeros multiplies no state, and is not recognised.
        """
        others = {name for call in self._network.recurrent() for name in cell_paths(call)} - {path}
        return all(reading.cell in others for reading in readings)

    def _from_output(self, call: Call, x: Estimate, order: Order) -> CellReading | None:
        """Return a reading made of an output that is the cell's sequence, where the file has no taps."""
        op = call.op
        assert isinstance(op, Recurrent)
        if self._shown.cells or len(op.cells) > 1 or "sequence" not in op.emits:
            return None
        if not x.exact and not self._shown.precision:
            return None
        ports = [port.name for port in self._network.outputs if port.tensor == call.outputs[0]]
        if not ports or ports[0] not in self._shown.outputs:
            return None
        sequence = self._shown.outputs[ports[0]]
        if sequence.shape != (order.batch, order.time, op.cells[0].units):
            return None
        straight = sequence[:, ::-1] if op.go_backwards and not op.time_order else sequence
        states = order.process(straight)
        name = f"output {ports[0]!r}"
        if order.active is None:
            return CellReading(name, states, cell=call.path)
        lengths = order.count.astype(np.int32)
        return CellReading(name, order.compact(states), lengths=lengths, cell=call.path)

    def _emitted(
        self, call: Call, op: Recurrent, treads: list[Tread], order: Order
    ) -> tuple[Estimate, ...]:
        """Return the call's outputs from the states read: a selection of them."""
        known = [tapped.states(tread.case, tread.steps) for tread in treads]
        starts = [states_start(tread.case) for tread in treads]
        shown = partial(emit, op, order=order, leading_state=self._shown.leading_state)
        values = shown([item.value for item in known], starts)
        if self._shown.last_step is not None and self._shown.last_step[0] == call.path:
            step = self._shown.last_step[1]
            taken = emit(op, [item.value[: step + 1] for item in known], starts, order.until(step))
            values = tuple(
                new if old.ndim == 2 else old for old, new in zip(values, taken, strict=True)
            )
        if all(item.exact for item in known):
            return tuple(Estimate(value) for value in values)
        bounds = shown([item.error for item in known], [np.zeros_like(item) for item in starts])
        return tuple(
            Estimate(value, bound, noisy(value, bound / 3, self._rng))
            for value, bound in zip(values, bounds, strict=True)
        )


def _best(case: Case, readings: list[CellReading]) -> tuple[list[Comparison], Tread | None]:
    """Return the first reading that agrees, else the first.

    A hint is no evidence: another node of fitting sizes that does agree is the cell.
    """
    first: tuple[list[Comparison], Tread | None] | None = None
    for reading in readings:
        own = case.of(reading)
        found, steps, local = tapped.check(own)
        tread = None if steps is None or local is None else Tread(own, steps, local)
        if not any(item.failed for item in found):
            return found, tread
        first = first or (found, tread)
    assert first is not None
    return first


def _among(reading: CellReading, others: Sequence[CellReading]) -> bool:
    return any(reading is other for other in others)
