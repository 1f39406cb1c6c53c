"""What gives rounding errors a direction though every weight is right, and how it is kept from speaking.

An activation errs the same way at the same z in every unit; constants that are no float32 numbers shift all
units alike; a rewriting that folds a factor into the weights rounds them anew; and a sum whose larger part is
the same at every step rounds that part the same way each time.
"""

from __future__ import annotations

import numpy as np

from rnn_export.verifier.bounds import products
from rnn_export.verifier.bounds.envelope import SELECTIONS
from rnn_export.verifier.steps import Case

ROUNDED_CONSTANTS = frozenset(
    {"selu", "elu", "celu", "leaky_relu", "hard_sigmoid", "hard_silu", "gelu", "squareplus", "relu"}
)
"""Activations with parameters or constants that a file may state in float32 only."""

ROUNDINGS = 4.0
"""A weight may be off by this many roundings of itself, and half a one of the largest beside it."""

SAMPLES, BINS = 64, 64


def without_constants(
    case: Case, z: np.ndarray, value: np.ndarray, before: np.ndarray, slope: np.ndarray,
    defect: np.ndarray, weight: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return the defects less what comes of an activation's constants being rounded where the file states them.

    1/6 or selu's two are no float32 numbers: all units are then off by the same part of a rounding.

    Args:
        case: the cell.
        z, value, slope: argument, value and derivative of the activation, (samples, units).
        before: previous states.
        defect: shown - value.
        weight: 1 / predicted variance.
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


def without_curve(
    case: Case, z: np.ndarray, defect: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights, and defects less what all other units show at the same z: the activation's own error.

    Arguments as for `without_constants`. Where hardly any other unit has been, nothing can be subtracted
    and nothing said: the weight becomes 0.
    """
    units = z.shape[1]
    if case.affine.activation.name in SELECTIONS:
        return np.where(_near_a_jump(case, z), 0.0, weight), defect
    if units < 2:
        return weight, defect
    bins = int(np.clip(z.size // SAMPLES, 4, BINS))
    low, high = float(z.min()), float(z.max())
    width = (high - low) / bins or 1.0
    at = np.minimum(((z - low) / width).astype(np.int32), bins - 1)
    at += np.arange(units, dtype=np.int32) * bins
    flat, shape = at.ravel(), (units, bins)
    held = np.bincount(flat, weight.ravel(), minlength=units * bins).reshape(shape)
    total = np.bincount(flat, (weight * defect).ravel(), minlength=units * bins).reshape(shape)
    rest, sums = held.sum(axis=0) - held, total.sum(axis=0) - total
    curve = np.divide(sums, rest, out=np.zeros(shape), where=rest > 0)
    heard = np.where(rest > held, 1.0, 0.0).ravel()[at]
    return weight * heard, defect - curve.ravel()[at]


def _near_a_jump(case: Case, z: np.ndarray) -> np.ndarray:
    """Tell where rounding decides on which side of a jump an argument falls: a defect there says nothing."""
    near = np.zeros(z.shape, bool)
    turns = case.affine.activation.turns()
    if turns:
        terms = sum(case.affine.kernel.shape)
        sizes = np.abs(z).max(axis=0, initial=1.0)
        reach = products.SIGMAS * case.arithmetic.unit * np.sqrt(terms) * sizes
        for turn in turns:
            near |= np.abs(z - turn) <= reach
    return near


def floors(
    case: Case, f: np.ndarray, before: np.ndarray, looked_up: np.ndarray | None
) -> np.ndarray:
    """Return by how much each weight of [kernel; recurrent_kernel; bias] may seem off, and be right.

    Args:
        case: the cell.
        f: samples of [x, h, 1].
        before: those of h.
        looked_up: those of x W + b, where it comes from a table.
    """
    affine, unit = case.affine, case.arithmetic.unit
    assert affine.recurrent is not None
    bias = np.zeros(affine.kernel.shape[1]) if affine.bias is None else affine.bias
    mean_added = None
    if looked_up is not None:
        bias = mean_added = looked_up.mean(axis=0)
    own = np.abs(np.concatenate([affine.kernel, affine.recurrent, bias[None]]))
    floor = unit * (ROUNDINGS * own + own.max(axis=0) / 2)
    # The steady part of the sum: its rounding errors stay, and look like a bias.
    mean = f.mean(axis=0, dtype=np.float64)[None]
    width = affine.kernel.shape[0]
    terms = [(mean[:, :width], affine.kernel), (mean[:, width:-1], affine.recurrent)]
    sums = products.total(terms, mean_added)
    steady = products.deviation(terms, mean_added, sums, case.arithmetic)[0]
    floor[-1] = unit * (own[-1] + 0.5) + steady
    if affine.activation.name == "selu":
        # The native form scales R, and so rounds every weight of it anew: states that rise and fall
        # together then lay all those roundings at one weight's door.
        power = np.sqrt(np.mean(np.square(f), axis=0))
        share = np.sqrt(np.mean(np.square(before))) / np.maximum(power, 2.0**-20)
        rounded = np.abs(affine.recurrent).sum(axis=0) / 2
        floor += unit * np.maximum(share, 1.0)[:, None] * rounded
    return np.asarray(floor)
