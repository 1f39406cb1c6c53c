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
from rnn_export.verifier.bounds.envelope import SELECTIONS
from rnn_export.verifier.bounds.products import SIGMAS
from rnn_export.verifier.tapped import Case, Steps

SPEAKS = 7.0
"""|t| from which a weight is named: chance alone gets there once in 10^11."""

ROUNDINGS = 4.0
"""A weight may be off by this many roundings of itself and half a one of the largest beside it: a rewriting that
folds a factor into it rounds it anew, and sums of few terms round with a little direction of their own. The
bias may be off by one of itself and one unit: so does an activation's own error look where z hardly varies."""

ROUNDED_CONSTANTS = frozenset(
    {"selu", "elu", "celu", "leaky_relu", "hard_sigmoid", "hard_silu", "gelu", "squareplus", "relu"}
)
"""Activations with parameters or constants that a file may state in float32 only."""

FEWEST = 64
"""Samples below which nothing can be said."""

BINS = 64


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
    kinds = _distinct(z)
    if case.affine.activation.function.vector or kinds < FEWEST or not np.isfinite(defect).all():
        return None
    features = [steps.x.reshape(len(steps.x.ravel()) // steps.x.shape[-1], -1)[chosen]]
    features.append(steps.before.reshape(-1, wide)[chosen])
    features.append(np.ones((len(z), 1)))
    f = np.concatenate(features, axis=1, dtype=np.float32)
    slope = slopes(case.affine.activation, z)
    margin = local.margin.reshape(-1, wide)[chosen] / SIGMAS
    variance = np.square(slope * local.sigma.reshape(-1, wide)[chosen]) + np.square(margin)
    weight = np.divide(1.0, variance, out=np.zeros_like(variance), where=variance > 0)
    before = features[1]
    defect = _without_constants(case, z, value, before, slope, defect, weight)
    weight, residual = _without_curve(case, z, defect, weight)
    # A unit's own scale: the predicted deviation is a model, and errs by the same factor everywhere.
    scale = (
        np.mean(np.square(residual) * weight, axis=0)
        * len(z)
        / np.maximum((weight > 0).sum(axis=0), 1)
    )
    scale = np.where(scale > 0, scale, 1.0)
    pulled = slope * residual * weight
    bend = np.square(slope) * weight
    score = f.T @ pulled.astype(np.float32)
    cross = f.T @ bend.astype(np.float32)
    power = np.square(f).T @ bend.astype(np.float32)
    # A feature that hardly varies is not to be blamed for an offset of its unit: that is the bias, the last row.
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(power[-1] > 0, cross / power[-1], 0.0)
        share[-1] = 0.0
        score, power = score - share * score[-1], power - share * cross
        heard = power > 1e-4 * np.square(f).T.mean(axis=1)[:, None] * bend.sum(axis=0)
        estimate = np.where(heard, score / power, 0.0)
        t = np.where(heard, score / np.sqrt(power * scale), 0.0)
    t *= np.sqrt(kinds / len(z)) * (1 - 1 / max(wide, 2)) ** 0.5
    own = np.abs(_weights(case))
    floor = case.arithmetic.unit * (ROUNDINGS * own + own.max(axis=0) / 2)
    floor[-1] = case.arithmetic.unit * (own[-1] + 1)
    if case.affine.activation.name == "selu" and case.affine.recurrent is not None:
        # The native form scales R, and so rounds every weight of it anew: states that rise and fall
        # together then lay all those roundings at one weight's door.
        power_of = np.sqrt(np.mean(np.square(f), axis=0))
        share_of = np.sqrt(np.mean(np.square(before))) / np.maximum(power_of, 2.0**-20)
        rounded = np.abs(case.affine.recurrent).sum(axis=0) / 2
        floor += case.arithmetic.unit * np.maximum(share_of, 1.0)[:, None] * rounded
    loud = (np.abs(t) > SPEAKS) & (np.abs(estimate) > floor)
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


def _without_constants(
    case: Case,
    z: np.ndarray,
    value: np.ndarray,
    before: np.ndarray,
    slope: np.ndarray,
    defect: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """Return the defects less what comes of an activation's constants being rounded where the file states them.

    1/6 or selu's two are no float32 numbers: all units are then off by the same part of a rounding.
    """
    if case.affine.activation.name not in ROUNDED_CONSTANTS:
        return defect
    bases = [np.where(z >= 0, value, 0.0), np.where(z < 0, value, 0.0)]
    if case.affine.activation.name == "selu" and case.affine.recurrent is not None:
        bases.append(slope * (before @ case.affine.recurrent))
    stack = np.stack([base.ravel() for base in bases], axis=1)
    heavy = stack * weight.reshape(-1, 1)
    amounts, *_ = np.linalg.lstsq(heavy.T @ stack, heavy.T @ defect.ravel(), rcond=None)
    most = 2 * case.arithmetic.unit
    return np.asarray(defect - (stack @ np.clip(amounts, -most, most)).reshape(defect.shape))


def _without_curve(
    case: Case, z: np.ndarray, defect: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and defects less what all other units show at the same z: the activation's own error.

    A runtime's tanh errs the same way at the same z, in every unit; a wrong weight is in one.
    """
    units = z.shape[1]
    if case.affine.activation.name in SELECTIONS or units < 2:
        return weight, defect
    bins = int(np.clip(z.size // FEWEST, 4, BINS))
    low, high = float(z.min()), float(z.max())
    width = (high - low) / bins or 1.0
    at = np.minimum(((z - low) / width).astype(np.int32), bins - 1)
    at += np.arange(units, dtype=np.int32) * bins
    shape = (units, bins)
    heavy = weight * (weight > 0)
    held = np.bincount(at.ravel(), heavy.ravel(), minlength=units * bins).reshape(shape)
    total = np.bincount(at.ravel(), (heavy * defect).ravel(), minlength=units * bins).reshape(shape)
    rest, sums = held.sum(axis=0) - held, total.sum(axis=0) - total
    curve = np.divide(sums, rest, out=np.zeros(shape), where=rest > 0)
    # Where hardly any other unit has been, nothing can be subtracted and nothing said.
    heard = np.where(rest > held, 1.0, 0.0).ravel()[at]
    return weight * heard, defect - curve.ravel()[at]


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


def _weights(case: Case) -> np.ndarray:
    """Return [kernel; recurrent_kernel; bias], (features + units + 1, units)."""
    affine = case.affine
    assert affine.recurrent is not None
    bias = np.zeros(affine.kernel.shape[1]) if affine.bias is None else affine.bias
    return np.concatenate([affine.kernel, affine.recurrent, bias[None]])


def _named(affine: Affine, row: int) -> tuple[str, int | None]:
    features, units = affine.kernel.shape
    if row < features:
        return "kernel", row
    if affine.recurrent is not None and row < features + units:
        return "recurrent_kernel", row - features
    return "bias", None


def _distinct(z: np.ndarray) -> int:
    """Return how many samples differ: equal ones have equal rounding errors, and count once."""
    return len(np.unique(z[:, 0])) if z.size else 0
