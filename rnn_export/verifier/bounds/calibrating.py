"""Calibration: the probabilistic bound fitted to a runtime's own errors, and never wider than the model.

The model lets every sum run from one end to the other, as the slowest code does, and an activation err as the
worst one seen. Blocked products with fused operations err a third as much. How much is read off a high quantile
of error / bound: for each unit and each row by itself, since a kernel's remainder may run other code than its
body, and along z, since an activation errs more in one place than in another. The largest of the three counts.
A fault in few places does not move a quantile; one in most places moves it, up to the model and no further.
"""

from __future__ import annotations

import numpy as np

FEWEST = 64
"""Samples below which the model stands as it is."""

HIGH, REACH = 0.95, 4.5
"""The bound is cut to REACH times this quantile: 9 standard deviations of normal errors, for the errors of a
group are of several sizes and have heavier tails."""

LEAST = 0.0625
"""Part of the model's bound that is always allowed: errors of few bits have quantiles of 0."""

BINS = 24
MOST = 2**16
"""Elements that are looked at; of more, every so many steps."""


def fitted(ratio: np.ndarray, z: np.ndarray, active: np.ndarray | None) -> np.ndarray | float:
    """Return the part of the model's bound to allow, (1 or time, batch, units) or 1.

    Args:
        ratio: |error| / bound of the model, (time, batch, units).
        z: where the activation was taken.
        active: (time, batch) bool, the steps that count; None for all.
    """
    steps, batch, units = ratio.shape
    if steps * batch < FEWEST:
        return 1.0
    stride = max(1, ratio.size // MOST)
    # Exact results, such as the zeros of a relu, say nothing of errors.
    thin = np.where(ratio[::stride] > 0, ratio[::stride], np.nan)
    if active is not None:
        thin = np.where(active[::stride, :, None], thin, np.nan)
    by_unit = _high(thin.reshape(-1, units))
    by_row = _high(thin.swapaxes(0, 1).reshape(batch, -1).T)
    low, high = float(np.nanmin(z)), float(np.nanmax(z))
    width = (high - low) / BINS
    if not np.isfinite(width) or width <= 0:
        return 1.0
    place = np.clip((z - low) / width, 0, BINS - 1).astype(np.int8)
    along = _along(thin.ravel(), place[::stride].ravel())[place]
    part = np.maximum(np.maximum(by_unit[None, None, :], by_row[None, :, None]), along)
    return np.asarray(np.clip(part, LEAST, 1.0))


def _along(ratio: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return what each bin of z allows; a bin with few samples allows what the nearest with enough does."""
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(1, BINS))
    parts = np.split(ratio[order], ends)
    counts = np.array([np.count_nonzero(~np.isnan(part)) for part in parts])
    enough = np.flatnonzero(counts >= 4 * FEWEST)
    if not len(enough):
        return np.full(BINS, _high(ratio[:, None])[0])
    allowed = np.array([_high(parts[at][:, None])[0] for at in enough])
    nearest = np.abs(np.arange(BINS)[:, None] - enough[None, :]).argmin(axis=1)
    return np.asarray(allowed[nearest])


def _high(ratio: np.ndarray) -> np.ndarray:
    """Return REACH quantiles of each column, with a margin for their own error; 1 where there are too few."""
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(ratio)
        count = known.sum(axis=0)
        filled = np.where(known, ratio, -1.0)
    # Unknown ones stand first: the quantile counts from the end.
    at = len(filled) - 1 - np.floor((1 - HIGH) * count).astype(int)
    kinds = np.unique(at)
    filled = (
        np.partition(filled, np.clip(kinds, 0, max(len(filled) - 1, 0)), axis=0)
        if len(filled)
        else filled
    )
    if not len(filled):
        return np.ones(ratio.shape[1])
    found = np.take_along_axis(filled, np.clip(at, 0, len(filled) - 1)[None], axis=0)[0]
    margin = 1 + 1.5 / np.sqrt(np.maximum(count, 1))
    return np.where((count >= FEWEST) & np.isfinite(found), REACH * margin * found, 1.0)
