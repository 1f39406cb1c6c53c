"""A recurrent cell that shows its states: its input, its start and every step are checked by themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rnn_export.network import activation
from rnn_export.verifier.bounds.cell import Affine, Local
from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.bounds.precision import FLOORS, UNITS, Arithmetic, arithmetic
from rnn_export.verifier.comparing import Comparison, Where, compare, refused
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


def check(case: Case) -> tuple[list[Comparison], Steps | None, Local | None]:
    """Return the comparisons of one cell, its steps as read, and the float64 steps beside them.

    Steps are None where the reading cannot be this cell's: shapes or lengths that do not fit.
    """
    path, reading, order = case.path, case.reading, case.order
    units = case.affine.kernel.shape[1]
    wanted = (order.time, order.batch, units)
    if reading.states.shape != wanted:
        reason = f"states of {path}: expected shape {wanted}, got {reading.states.shape}"
        return [refused(f"states of {path}", path, reason)], None, None
    if reading.lengths is not None:
        shown = np.asarray(reading.lengths).ravel()
        if not np.array_equal(shown, order.count):
            reason = f"lengths of {path}: expected {order.count.tolist()}, got {shown.tolist()}"
            return [refused(f"lengths of {path}", path, reason)], None, None
        return _check(case, compact=True)
    if reading.mask is not None and not _same_mask(reading, order):
        reason = f"mask of {path}: expected the network's, got another"
        return [refused(f"mask of {path}", path, reason)], None, None
    if order.active is None or reading.mask is not None:
        return _check(case, compact=False)
    # A masked call may hold its states, or run over the valid steps first and over anything behind them.
    tried = [_check(case, compact=compact) for compact in (True, False)]
    return next((item for item in tried if not any(found.failed for found in item[0])), tried[0])


def _check(case: Case, *, compact: bool) -> tuple[list[Comparison], Steps | None, Local | None]:
    active = _active(case.order, compact)
    done = [_check_start(case), *_check_input(case, compact, active)]
    steps = _steps(case, compact, active)
    local = steps.local(case)
    done.append(compare_steps(case, steps, local))
    if not compact and case.order.active is not None:
        done.append(_check_held(case, steps))
    return done, steps, local


def compare_steps(case: Case, steps: Steps, local: Local) -> Comparison:
    """Return the local check proper: every state against one step from the state before it."""
    among = None if steps.active is None else steps.active[:, :, None]
    return compare(
        f"states of {case.path}",
        case.path,
        steps.after,
        local.value,
        local.bound,
        dtype=case.dtype,
        model="probabilistic",
        axes=(1, 0),
        instant=case.order.valid_instant if steps.compact else case.order.instant,
        among=among,
        rigorous=local.rigorous,
        overflowing=None if np.isfinite(steps.after).all() else local.overflows(case.dtype),
    )


def states(case: Case, steps: Steps) -> Estimate:
    """Return the cell's states as the graph hands them on: read exactly, rounded where they are rescaled."""
    start = states_start(case)
    value = case.order.spread(steps.after, start) if steps.compact else steps.after
    read = case.reading.states.dtype.name
    unit = floor = 0.0
    if abs(case.reading.scale) != 1:
        unit += UNITS.get(read, UNITS["float32"])
    if UNITS.get(read, 0.0) < UNITS.get(case.dtype, 0.0):
        unit, floor = unit + UNITS[case.dtype], FLOORS[case.dtype]
    return Estimate(value, 2 * unit * np.abs(value) + floor if unit else None)


def seen_input(case: Case, found: list[Comparison]) -> np.ndarray | None:
    """Return the cell's input as it was shown, (batch, time, features); None where it was not, or not all of it."""
    reading, order = case.reading, case.order
    if reading.x is None or order.active is not None or any(item.failed for item in found[:2]):
        return None
    major = forward(reading, reading.x).astype(np.float64)
    return np.asarray((major[::-1] if order.backwards else major).swapaxes(0, 1))


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


def _same_mask(reading: CellReading, order: Order) -> bool:
    """Tell whether the node holds the state at just the steps that are masked."""
    assert reading.mask is not None
    shown = np.asarray(reading.mask).astype(bool)
    wanted = np.ones((order.time, order.batch), bool) if order.active is None else order.active
    return np.array_equal(shown[::-1] if reading.reverse else shown, wanted)


def _check_start(case: Case) -> Comparison:
    subject = f"initial state of {case.path}"
    if case.reading.initial is None:
        return Comparison(subject, "exact", 0.0, 0.0, Where(case.path), 0)
    unit = 0.0 if abs(case.reading.scale) == 1 else 4 * case.arithmetic.unit
    bound = case.start.error + unit * np.abs(case.start.value)
    return compare(
        subject,
        case.path,
        states_start(case),
        case.start.value,
        None if case.start.exact and not unit else bound,
        dtype=case.dtype,
        model=case.start.model if not unit else "probabilistic",
    )


def _check_input(case: Case, compact: bool, active: np.ndarray | None) -> list[Comparison]:
    predicted, shown = case.x, case.reading.x
    if case.added is not None:
        predicted, shown = case.added, case.reading.added
    if shown is None:
        return []
    subject, layer = f"input of {case.path}", case.fed_by or case.path
    if shown.shape != predicted.value.shape:
        reason = f"{subject}: expected shape {predicted.value.shape}, got {shown.shape}"
        return [refused(subject, layer, reason)]
    order = case.order
    value, bound, model = predicted.value, predicted.bound, predicted.model
    finer = UNITS.get(shown.dtype.name, 0.0) < UNITS.get(case.dtype, 0.0)
    if finer and case.added is None:
        # The node has it before it is rounded to what an output shows of it.
        rounding = UNITS[case.dtype] * np.abs(value) + FLOORS[case.dtype]
        bound, model = (rounding, "rigorous") if bound is None else (bound + rounding, model)
    if compact:
        value = order.compact(value)
        bound = None if bound is None else order.compact(bound)
    among = None if active is None else active[:, :, None]
    return [
        compare(
            subject,
            layer,
            forward(case.reading, shown),
            value,
            bound,
            dtype=case.dtype,
            model=model,
            axes=(1, 0),
            instant=order.valid_instant if compact else order.instant,
            among=among,
        )
    ]


def taken(case: Case, *, compact: bool) -> Steps:
    """Return a cell's steps as its reading shows them, with nothing compared."""
    return _steps(case, compact, _active(case.order, compact))


def _steps(case: Case, compact: bool, active: np.ndarray | None) -> Steps:
    order, reading = case.order, case.reading
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
        fits = reading.added.shape == case.added.value.shape
        added = reading.added if fits else case.added.value
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


def _check_held(case: Case, steps: Steps) -> Comparison:
    assert case.order.active is not None
    return compare(
        f"states of {case.path} at masked steps",
        case.path,
        steps.after,
        steps.before,
        None,
        dtype=case.dtype,
        model="exact",
        axes=(1, 0),
        instant=case.order.instant,
        among=~case.order.active[:, :, None],
    )


def fits(reading: CellReading, kernel: np.ndarray) -> bool:
    """Tell whether a reading has the sizes of a cell with this kernel (features, units)."""
    if reading.states.ndim != 3 or reading.states.shape[2] != kernel.shape[1]:
        return False
    parts = ((reading.x, kernel.shape[0]), (reading.added, kernel.shape[1]))
    return all(part is None or (part.ndim == 3 and part.shape[2] == size) for part, size in parts)
