"""One weight that is off: which, and by how much, from however few samples show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnn_export.network import Activation
from rnn_export.verifier.bounds.cell import Local

SAMPLES = 160
NEWTON = 12


@dataclass(frozen=True)
class OneWeight:
    """A weight that, changed by ``delta``, explains every defect of its unit: row of [x, h, 1], column."""

    row: int
    column: int
    delta: float


def one_weight(local: Local, shown: np.ndarray, active: np.ndarray | None) -> Iterator[OneWeight]:
    """Yield the single changes that explain all defects, where they are all in one unit.

    Args:
        local: what should have been shown, (..., units).
        shown: what was shown.
        active: (...) bool, which of it counts; None for all.
    """
    units = local.z.shape[-1]
    flat = slice(None) if active is None else active.ravel()
    value = local.value.reshape(-1, units)[flat]
    seen, bound = shown.reshape(-1, units)[flat], local.bound.reshape(-1, units)[flat]
    with np.errstate(invalid="ignore", divide="ignore"):
        wrong = ~(np.abs(seen - value) <= bound)
    columns = np.flatnonzero(wrong.any(axis=0))
    if len(columns) != 1 or local.affine.activation.function.vector:
        return
    column = int(columns[0])
    features = [samples[flat] for samples, _ in local.affine.terms(local.x, local.h)]
    features.append(np.ones((len(value), 1)))
    f = np.concatenate(features, axis=1)
    worst = np.argsort(-np.abs(seen - value)[:, column] / np.maximum(bound[:, column], 1e-300))
    chosen = worst[:SAMPLES]
    z = local.z.reshape(-1, units)[flat][chosen, column]
    delta = _fitted(
        local.affine.activation, f[chosen], z, seen[chosen, column], bound[chosen, column]
    )
    z = local.z.reshape(-1, units)[flat][:, column]
    for row in np.flatnonzero(np.isfinite(delta)):
        moved = local.affine.activation(z + delta[row] * f[:, row])
        if np.all(np.abs(seen[:, column] - moved) <= 1.5 * bound[:, column]):
            yield OneWeight(int(row), column, float(delta[row]))


def _fitted(
    activation: Activation, f: np.ndarray, z: np.ndarray, shown: np.ndarray, bound: np.ndarray
) -> np.ndarray:
    """Return for each feature the change of its weight that fits best: Gauss and Newton, all at once."""
    delta = np.zeros(f.shape[1])
    # Where nothing may differ, as where a relu is off, nothing can be estimated either.
    weight = np.square(np.divide(1.0, bound, out=np.zeros_like(bound), where=bound > 0))[:, None]
    # Where the wrong weight stands for more than the activation can undo, only its argument tells.
    for _ in range(NEWTON):
        at = z[:, None] + f * delta
        step = np.maximum(np.abs(at), 1.0) * 2.0**-20
        slope = (activation(at + step) - activation(at - step)) / (2 * step) * f
        power = (slope * slope * weight).sum(axis=0)
        pull = (slope * (shown[:, None] - activation(at)) * weight).sum(axis=0)
        delta = delta + np.divide(pull, power, out=np.zeros_like(pull), where=power > 0)
    return np.where(delta != 0, delta, np.nan)
