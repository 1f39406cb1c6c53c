"""A recurrent cell that shows its states: its input, its start and every step are checked by themselves."""

from __future__ import annotations

import numpy as np

from rnn_export.verifier.bounds.cell import Local
from rnn_export.verifier.bounds.precision import FLOORS, UNITS
from rnn_export.verifier.comparing import Comparison, Where, compare, refused
from rnn_export.verifier.estimate import Estimate
from rnn_export.verifier.observation import CellReading
from rnn_export.verifier.order import Order
from rnn_export.verifier.steps import Case, Steps, forward, states_start, taken


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
    steps = taken(case, compact=compact)
    local = steps.local(case)
    done = [_check_start(case), *_check_input(case, steps), compare_steps(case, steps, local)]
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


def _check_input(case: Case, steps: Steps) -> list[Comparison]:
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
    if steps.compact:
        value = order.compact(value)
        bound = None if bound is None else order.compact(bound)
    among = None if steps.active is None else steps.active[:, :, None]
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
            instant=order.valid_instant if steps.compact else order.instant,
            among=among,
        )
    ]


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
