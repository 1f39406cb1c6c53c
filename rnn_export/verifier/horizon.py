"""The horizon: how far along time a prediction still says something about the runtime's numbers."""

from __future__ import annotations

import numpy as np

from rnn_export.verifier.bounds.precision import UNITS
from rnn_export.verifier.estimate import Estimate

BLUR = 1e-3
"""A bound wider than this part of the numbers verifies nothing: two orders of summation in float64 part company
in a chaotic network, and no runtime is wrong for it."""

BLUR_UNITS = 80
"""The same for coarse arithmetic, in unit roundoffs."""


def reach(estimate: Estimate, dtype: str) -> tuple[np.ndarray | None, int | None]:
    """Return which elements a prediction is sharp enough for, and the verified steps (the least of all rows).

    Args:
        estimate: (batch, time, ...) or (batch, ...); rows end at the first step that is too blurred.
        dtype: of the tensor.

    Returns:
        bool that broadcasts to the value (None for everything), and steps: None where the prediction is
        sharp everywhere, 0 where a row has nothing verified.
    """
    if estimate.bound is None or estimate.value.ndim < 2:
        return None, None
    limit = max(BLUR, BLUR_UNITS * UNITS.get(dtype, 0.0))
    value, bound = estimate.value, estimate.bound
    timed = value.ndim > 2
    axes = tuple(range(2 if timed else 1, value.ndim))
    with np.errstate(invalid="ignore"):
        size = np.nan_to_num(np.abs(value), nan=0.0, posinf=0.0, neginf=0.0)
        scale = np.maximum(1.0, size.max(axis=axes, keepdims=True, initial=0.0))
        # NaN beside a NaN value is no blur: the runtime has to show NaN there too.
        blurred = np.any((bound > limit * scale) & np.isfinite(value), axis=axes, keepdims=True)
    if not blurred.any():
        return None, None
    if not timed:
        return ~blurred, 0
    sharp = np.cumsum(blurred, axis=1) == 0
    return sharp, int(sharp.sum(axis=1).min())
