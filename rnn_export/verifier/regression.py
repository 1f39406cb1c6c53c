"""Defect regression: rounding errors have no direction, wrong weights have one.

A weight W[i, j] that is off by delta moves unit j's defect by phi'(z) x_i delta at every step: too little to
pass the bound of any one of them, and unmistakable over hundreds. For every weight the score statistic

    t = sum(f_i phi' d / v) / sqrt(sum(f_i^2 phi'^2 / v))        f = [x, h, 1], v the predicted variance

is a sum of many small independent terms if the defects d are rounding; one weight off stands far out of it.
Two matrix products test every weight of a cell; a least squares fit of the unit that stands out tells which
weight it is and by how much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_export.verifier.bounds.cell import Affine, Local, slopes
from rnn_export.verifier.bounds.products import SIGMAS, rows
from rnn_export.verifier.nuisance import floors, without_constants, without_curve
from rnn_export.verifier.steps import Case, Steps

SPEAKS = 7.0
"""|t| from which a weight is named: chance alone gets there once in 10^11."""

EFFECT = 0.25
"""Standard deviations of the errors that a weight has to move them by: what many samples show of less is not
the weights' doing, but the rounding of whatever hardly changes from sample to sample."""

ALIKE = 4.0
"""Sums that differ by less than so many of their deviations are one sample."""

FEWEST = 64
"""Samples below which nothing can be said."""


@dataclass(frozen=True)
class Suspect:
    """A weight that stands out.

    Args:
        path: of the cell.
        weight: "kernel", "recurrent_kernel" or "bias".
        row, column: of the weight in Keras layout; row is None for a bias.
        estimate: by how much the runtime's weight is larger than the network's.
        t: its statistic.
        units: how many units have a weight that stands out.
    """

    path: str
    weight: str
    row: int | None
    column: int
    estimate: float
    t: float
    units: int

    def place(self, affine: Affine) -> int:
        """Return the row of [kernel; recurrent_kernel; bias] that the weight is in."""
        features, units = map(int, affine.kernel.shape)
        if self.row is None:
            return features + units
        return self.row + (features if self.weight == "recurrent_kernel" else 0)

    def __str__(self) -> str:
        return _sentence(self.weight, self.row, self.column, self.path, self.estimate)


def weight_named(affine: Affine, path: str, row: int, column: int, delta: float) -> str:
    """Return "kernel[3, 5] of rnn#0 is off by 1e-07" for a row of [kernel; recurrent_kernel; bias]."""
    name, at = _named(affine, row)
    return _sentence(name, at, column, path, delta)


def _sentence(weight: str, row: int | None, column: int, path: str, delta: float) -> str:
    place = f"[{column}]" if row is None else f"[{row}, {column}]"
    return f"{weight}{place} of {path} is off by {delta:.2g}"


def regress(case: Case, steps: Steps, local: Local) -> Suspect | None:
    """Return the weight of a cell that stands out most, or None.

    Args:
        case, steps, local: the cell, its steps as shown, and the same in float64.
    """
    chosen = slice(None) if steps.active is None else steps.active.ravel()
    wide = local.z.shape[-1]
    z, value = local.z.reshape(-1, wide)[chosen], local.value.reshape(-1, wide)[chosen]
    defect = steps.after.reshape(-1, wide)[chosen] - value
    sigma = local.sigma.reshape(-1, wide)[chosen]
    kinds = len(distinct(z[:, 0], sigma[:, 0]))
    if case.affine.activation.function.vector or kinds < FEWEST or not np.isfinite(defect).all():
        return None
    x = rows(steps.x)[chosen]
    before = steps.before.reshape(-1, wide)[chosen]
    looked_up = None if steps.added is None else steps.added.reshape(-1, wide)[chosen]
    f = np.concatenate([x, before, np.ones((len(z), 1))], axis=1, dtype=np.float32)
    slope = slopes(case.affine.activation, z)
    margin = local.margin.reshape(-1, wide)[chosen] / SIGMAS
    variance = np.square(slope * sigma) + np.square(margin)
    weight = np.divide(1.0, variance, out=np.zeros_like(variance), where=variance > 0)
    defect = without_constants(case, z, value, before, slope, defect, weight)
    weight, residual = without_curve(case, z, defect, weight)
    # A unit's own scale: the predicted deviation is a model, and errs by the same factor everywhere.
    heard = np.maximum((weight > 0).sum(axis=0), 1)
    scale = np.sum(np.square(residual) * weight, axis=0) / heard
    scale = np.where(scale > 0, scale, 1.0)
    estimate, t = _scores(f, slope * residual * weight, np.square(slope) * weight, scale)
    t *= np.sqrt(kinds / len(z)) * (1 - 1 / max(wide, 2)) ** 0.5
    enough = np.maximum(SPEAKS, EFFECT * np.sqrt(heard))
    loud = (np.abs(t) > enough) & (np.abs(estimate) > floors(case, f, before, looked_up))
    if not loud.any():
        return None
    place = np.unravel_index(int(np.where(loud, np.abs(t), 0.0).argmax()), t.shape)
    row, column = int(place[0]), int(place[1])
    amount, strength = float(estimate[row, column]), float(t[row, column])
    fitted = _fit(
        f, (slope * residual)[:, column], slope[:, column], weight[:, column], scale[column]
    )
    if fitted is not None:
        amounts, strengths = fitted
        best = int(np.abs(strengths).argmax())
        if abs(strengths[best]) > SPEAKS:
            row, amount, strength = best, float(amounts[best]), float(strengths[best])
    name, at = _named(case.affine, row)
    return Suspect(case.path, name, at, column, amount, strength, int(loud.any(axis=0).sum()))


def _scores(
    f: np.ndarray, pulled: np.ndarray, bend: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the estimate of every weight's error and its t, both (features + units + 1, units).

    Args:
        f: samples of [x, h, 1].
        pulled: phi' d / v.
        bend: phi'^2 / v.
        scale: variance of the defects over the predicted one, of each unit.
    """
    score = f.T @ pulled.astype(np.float32)
    cross = f.T @ bend.astype(np.float32)
    power = np.square(f).T @ bend.astype(np.float32)
    whole = power.copy()
    # A feature that hardly varies is not to be blamed for an offset of its unit: that is the bias, the last row.
    share = np.divide(cross, power[-1], out=np.zeros_like(cross), where=power[-1] > 0)
    share[-1] = 0.0
    score, power = score - share * score[-1], power - share * cross
    varies = power > 1e-4 * whole
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(varies, score / power, 0.0)
        return estimate, np.where(varies, score / np.sqrt(power * scale), 0.0)


def _fit(
    f: np.ndarray, pulled: np.ndarray, slope: np.ndarray, weight: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the least squares estimates of one unit's weights, and their t; None with too few samples."""
    if (weight > 0).sum() < 1.5 * f.shape[1]:
        return None
    wide = f.astype(np.float64)
    gram = (wide * (slope * slope * weight)[:, None]).T @ wide
    gram[np.diag_indices_from(gram)] *= 1 + 2.0**-30
    try:
        inverse = np.linalg.inv(gram)
    except np.linalg.LinAlgError:
        return None
    amounts = inverse @ (wide.T @ (pulled * weight))
    deviation = np.sqrt(np.maximum(np.diag(inverse), 0) * scale)
    return amounts, np.divide(amounts, deviation, out=np.zeros_like(amounts), where=deviation > 0)


def _named(affine: Affine, row: int) -> tuple[str, int | None]:
    features, units = affine.kernel.shape
    if row < features:
        return "kernel", row
    if affine.recurrent is not None and row < features + units:
        return "recurrent_kernel", row - features
    return "bias", None


def distinct(z: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return the indices of the samples that differ; of sums that are equal, or nearly so, the first.

    They have equal rounding errors, or errors that follow the little by which they differ: once the state of a cell
    hardly changes, a thousand steps say no more than one.

    Args:
        z: (samples,) sums.
        sigma: their modelled deviations.
    """
    if not z.size:
        return np.zeros(0, int)
    step = max(ALIKE * float(np.median(sigma)), float(np.finfo(np.float64).tiny))
    with np.errstate(over="ignore"):
        _, first = np.unique(np.floor(z / step), return_index=True)
    return np.asarray(first)
