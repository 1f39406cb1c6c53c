"""A cell under test and its steps as a runtime showed them: input, state before, state after, in the node's order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rnn_export.network import activation
from rnn_export.verifier.bounds.cell import Affine, Local
from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.bounds.precision import UNITS, Arithmetic, arithmetic
from rnn_export.verifier.estimate import Estimate
from rnn_export.verifier.observation import CellReading
from rnn_export.verifier.order import Order


@dataclass(frozen=True)
class Case:
    """One cell and what was read of it, both in the order of processing.

    Args:
        path: of the cell.
        dtype: of the call.
        affine: the cell's weights.
        x: predicted input (time, batch, features), error included; shown input replaces it.
        start: predicted initial state (batch, units).
        order: of the call.
        reading: what the taps showed.
        arithmetic, envelope: of the runtime.
        fed_by: the layer to name where the input is wrong.
        added: predicted x W + b, error included, where the reading shows it in place of the input: of a table.
            The cell is then one without features, and that is added to what it makes of its state.
    """

    path: str
    dtype: str
    affine: Affine
    x: Estimate
    start: Estimate
    order: Order
    reading: CellReading
    arithmetic: Arithmetic
    envelope: Envelope
    fed_by: str = ""
    added: Estimate | None = None

    def of(self, reading: CellReading) -> Case:
        """Return the case with another reading, judged in the arithmetic of its own numbers.

        A float16 layer whose node works and shows its states in float32 errs as float32 does. What a table holds
        is checked as a sum of its own; the steps then start from what was looked up.
        """
        shown = reading.states.dtype.name
        finer = UNITS.get(shown, 1.0) < UNITS.get(self.dtype, 0.0) and not self.arithmetic.operand
        case = replace(
            self, reading=reading, arithmetic=arithmetic(shown) if finer else self.arithmetic
        )
        return case if reading.added is None or self.added is not None else case.looked_up()

    def looked_up(self) -> Case:
        """Return the case of a cell that adds what a table holds: x W + b of each step, predicted."""
        affine, x = self.affine, self.x
        product = Affine(affine.kernel, None, affine.bias, activation("linear"))
        sums = Local(product, x.value, None, self.arithmetic, self.envelope, x.bound)
        return replace(
            self,
            affine=replace(affine, kernel=affine.kernel[:0], bias=None),
            x=Estimate(x.value[..., :0]),
            added=Estimate(sums.value, sums.bound),
            fed_by="",
        )


@dataclass(frozen=True)
class Steps:
    """A cell's steps as the runtime took them: compacted where the node skips masked steps.

    Args:
        x, before, after: (time, batch, ...) float64; input, previous state, state.
        active: (time, batch) bool, the steps that were computed; None for all.
        compact: masked steps are left out rather than held.
        x_error: bound on ``x`` where it was not shown.
        added: (time, batch, units), x W + b where a table holds it; None where the cell has it from x.
    """

    x: np.ndarray
    before: np.ndarray
    after: np.ndarray
    active: np.ndarray | None
    compact: bool
    x_error: np.ndarray | None
    added: np.ndarray | None = None

    def local(self, case: Case) -> Local:
        """Return the steps in float64, by a case's weights, activation and arithmetic."""
        return Local(
            case.affine,
            self.x,
            self.before,
            case.arithmetic,
            case.envelope,
            self.x_error,
            self.added,
        )


def taken(case: Case, *, compact: bool) -> Steps:
    """Return a cell's steps as its reading shows them, with nothing compared."""
    order, reading = case.order, case.reading
    active = _active(order, compact)
    after = forward(reading, reading.states).astype(np.float64) * reading.factor
    error = None
    if reading.x is not None and reading.x.shape == case.x.value.shape:
        x = forward(reading, reading.x).astype(np.float64)
    else:
        x, error = case.x.value, case.x.bound
        if compact:
            x, error = order.compact(x), None if error is None else order.compact(error)
    added = None
    if case.added is not None:
        assert reading.added is not None
        alike = reading.added.shape == case.added.value.shape
        added = reading.added if alike else case.added.value
        added = forward(reading, added).astype(np.float64)
    before = np.concatenate([states_start(case)[None], after[:-1]]) if order.time else after
    if active is not None:
        # What stands at steps that are not computed may be anything, NaN included.
        x = np.where(active[:, :, None], x, 0.0)
        added = None if added is None else np.where(active[:, :, None], added, 0.0)
        if compact:
            before = np.where(active[:, :, None], before, 0.0)
            after = np.where(active[:, :, None], after, 0.0)
    return Steps(x, before, after, active, compact, error, added)


def states_start(case: Case) -> np.ndarray:
    """Return the state that the cell started from: the one shown, else the predicted."""
    if case.reading.initial is None:
        return case.start.value
    return case.reading.initial.astype(np.float64) * case.reading.factor


def forward(reading: CellReading, values: np.ndarray) -> np.ndarray:
    """Return what was read along time, (time, batch, ...), in the order in which the node ran."""
    if not reading.reverse:
        return values
    if reading.lengths is None:
        return values[::-1]
    time = values.shape[0]
    steps = np.asarray(reading.lengths).ravel()[None, :] - 1 - np.arange(time)[:, None]
    steps = np.where(steps >= 0, steps, np.arange(time)[:, None])
    return np.take_along_axis(values, steps[:, :, None], axis=0)


def _active(order: Order, compact: bool) -> np.ndarray | None:
    if order.active is None:
        return None
    if not compact:
        return order.active
    return np.arange(order.time)[:, None] < order.count[None, :]


def fits(reading: CellReading, kernel: np.ndarray) -> bool:
    """Tell whether a reading has the sizes of a cell with this kernel (features, units)."""
    if reading.states.ndim != 3 or reading.states.shape[2] != kernel.shape[1]:
        return False
    parts = ((reading.x, kernel.shape[0]), (reading.added, kernel.shape[1]))
    return all(part is None or (part.ndim == 3 and part.shape[2] == size) for part, size in parts)
