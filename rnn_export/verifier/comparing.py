"""One comparison: what was shown against what was predicted, element by element, with nothing let through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from rnn_export.verifier.bounds.precision import LARGEST


@dataclass(frozen=True)
class Where:
    """The element that a finding is about.

    Args:
        layer: path of the call or cell.
        step: the network's time index; None where there is no time axis.
        unit: index on the last axis.
        row: of the batch.
    """

    layer: str
    step: int | None = None
    unit: int | None = None
    row: int | None = None


@dataclass(frozen=True)
class Comparison:
    """What came of comparing one array.

    Args:
        subject: what was compared, in words: "states of layer 'rnn'".
        model: "exact", "probabilistic" (local) or "global".
        ratio: the largest |shown - value| / bound; 0 / 0 counts as 0, anything else over 0 as inf.
        error: the largest |shown - value|.
        where: of the first element beyond its bound, in the order of running; else of the largest ratio.
        elements: how many were compared.
        beyond: how many lie beyond their bound.
        squares: sums of |shown - value|^2 and of (bound / SIGMAS)^2, for the effective precision.
        steps: verified steps, the least over the rows; None where there is no time axis.
        rigorous: a failure exceeds the deterministic bound as well; None if not asked.
        reason: what is wrong other than numbers; "" if nothing.
    """

    subject: str
    model: str
    ratio: float
    error: float
    where: Where
    elements: int
    beyond: int = 0
    squares: tuple[float, float] = (0.0, 0.0)
    steps: int | None = None
    rigorous: bool | None = None
    reason: str = ""

    def reaching(self, steps: int | None) -> Comparison:
        """Return the comparison with the number of steps that it verifies."""
        return replace(self, steps=steps)

    @property
    def failed(self) -> bool:
        return self.beyond > 0 or bool(self.reason)


def ratios(
    shown: np.ndarray,
    value: np.ndarray,
    bound: np.ndarray | None,
    dtype: str,
    overflowing: np.ndarray | None = None,
) -> np.ndarray:
    """Return |shown - value| / bound for every element.

    NaN agrees with NaN only; an infinity with a prediction beyond the largest number of ``dtype``, of the
    same sign; where it is ``overflowing`` on the way, anything that is not finite agrees; elsewhere that is
    infinitely wrong.
    """
    wide = shown.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        away = np.abs(wide - value)
        out = np.where(away == 0, 0.0, np.inf if bound is None else away / bound)
        strange = ~np.isfinite(wide) | ~np.isfinite(value)
        if strange.any():
            slack = 0.0 if bound is None else np.where(np.isfinite(bound), bound, 0.0)
            largest = LARGEST.get(dtype, LARGEST["float32"])
            overflows = (
                (np.abs(value) + slack >= largest)
                & (np.sign(value) == np.sign(wide))
                & np.isinf(wide)
            )
            agrees = (np.isnan(wide) & np.isnan(value)) | (wide == value) | overflows
            if overflowing is not None:
                agrees |= overflowing & ~np.isfinite(wide)
            out = np.where(strange, np.where(agrees, 0.0, np.inf), out)
    return np.asarray(out)


def refused(subject: str, layer: str, reason: str) -> Comparison:
    """Return a comparison that failed before any number was looked at."""
    return Comparison(subject, "exact", float("inf"), float("inf"), Where(layer), 0, reason=reason)


def compare(
    subject: str,
    layer: str,
    shown: np.ndarray,
    value: np.ndarray,
    bound: np.ndarray | None,
    *,
    dtype: str,
    model: str,
    axes: tuple[int | None, int | None] = (0, None),
    instant: Callable[[int, int], int] = lambda step, row: step,
    among: np.ndarray | None = None,
    rigorous: Callable[[], np.ndarray] | None = None,
    overflowing: np.ndarray | None = None,
) -> Comparison:
    """Compare arrays of equal shape.

    Args:
        subject, layer: for the report.
        shown: what the runtime gave.
        value, bound: what it should have given, float64; no bound for equality.
        dtype: of the numbers in the runtime.
        model: "exact", "probabilistic" or "global".
        axes: which axes are the batch and time.
        instant: (index on the time axis, row) to the network's time index.
        among: bool, broadcast to the shape: only these elements count.
        rigorous: gives the deterministic bound, asked for only when something fails.
        overflowing: bool, of the shape: where what is not finite is as right as the value.
    """
    if shown.shape != value.shape:
        return refused(
            subject, layer, f"{subject}: expected shape {value.shape}, got {shown.shape}"
        )
    found = ratios(shown, value, bound, dtype, overflowing)
    if among is not None:
        found = np.where(among, found, 0.0)
    counted = found.size if among is None else int(np.broadcast_to(among, found.shape).sum())
    if not counted:
        return Comparison(subject, model, 0.0, 0.0, Where(layer), 0)
    wrong = ~(found <= 1.0)
    place = (
        _first(wrong, axes[1])
        if wrong.any()
        else np.unravel_index(int(found.argmax()), found.shape)
    )
    with np.errstate(invalid="ignore", over="ignore"):
        away = np.abs(shown.astype(np.float64) - value)
        away = np.where(np.isfinite(away), away, 0.0 if np.isfinite(found).all() else np.inf)
        if among is not None:
            away = np.where(among, away, 0.0)
        squares = (0.0, 0.0)
        if bound is not None and np.isfinite(found).all():
            limits = np.where(np.isfinite(bound) & (True if among is None else among), bound, 0.0)
            squares = (float(np.vdot(away, away)), float(np.vdot(limits, limits)))
    proven = None
    if wrong.any() and rigorous is not None:
        proven = bool((ratios(shown, value, rigorous(), dtype, overflowing)[wrong] > 1).any())
    return Comparison(
        subject,
        model,
        float(found.max()),
        float(away.max()),
        _where(layer, place, axes, instant, found.ndim),
        counted,
        int(wrong.sum()),
        squares,
        rigorous=proven,
    )


def _first(wrong: np.ndarray, time: int | None) -> tuple[np.intp, ...]:
    """Return the earliest wrong place in time."""
    if time is None:
        return np.unravel_index(int(wrong.argmax()), wrong.shape)
    step = int(wrong.any(axis=tuple(a for a in range(wrong.ndim) if a != time)).argmax())
    rest = np.take(wrong, step, axis=time)
    place = list(np.unravel_index(int(rest.argmax()), rest.shape))
    place.insert(time, np.intp(step))
    return tuple(place)


def _where(
    layer: str,
    place: tuple[np.intp, ...],
    axes: tuple[int | None, int | None],
    instant: Callable[[int, int], int],
    rank: int,
) -> Where:
    row = None if axes[0] is None or axes[0] >= rank else int(place[axes[0]])
    step = None if axes[1] is None or axes[1] >= rank else instant(int(place[axes[1]]), row or 0)
    unit = int(place[-1]) if rank and rank - 1 not in axes else None
    return Where(layer, step, unit, row)
