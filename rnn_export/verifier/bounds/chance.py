"""How often a right sum passes its probabilistic bound by chance: the false alarms that a verdict has to expect."""

from __future__ import annotations

import numpy as np

MEAN_ROUNDING = 1 / (8 * np.log(2))
"""Mean square of a rounding error over (u s)^2 for s of any significand; the model takes the largest, 1 / 3."""

WALK = float(np.sqrt(3 * MEAN_ROUNDING * (1 / 2) / (1 / 2 + 1 / 3)))
"""Root mean square error of code that adds from one end to the other, in modelled deviations: 0.57."""


def exceeded(deviations: float, z: float) -> float:
    """Return how often a right sum's error passes so many modelled deviations.

    The sum is added from one end to the other, which is the slowest to forget: of all code it errs most. Its
    terms are many, of similar sizes and in random order, so that the partial sums are a Brownian bridge to z.
    Given that path the error is normal; its variance is the path's square, integrated, and has an exponential
    tail. So the error's tail is exponential as well: 6 deviations are passed 5 times, not 1 time, as often as
    5 normal ones would have it, and no quantile of the errors themselves foretells it.

    The moment generating function is known, sqrt(s / sin s) exp(z^2 (1 - s cot s) / 2); the tail is its
    inverse Laplace transform through the saddle point.

    Args:
        deviations: of `products.deviation`.
        z: the sum, in root mean squares of it, sqrt(p2).

    >>> from rnn_export.verifier.bounds.products import SIGMAS
    >>> max(exceeded(SIGMAS, z) for z in (0.0, 0.3, 0.6, 0.9, 1.5, 3.0)) < 5e-10
    True
    """
    passed = deviations * np.sqrt((1 / 2 + z * z / 3) / 3 / MEAN_ROUNDING)
    trial = np.linspace(0.05, 3.1, 600)
    saddle = trial[np.argmin(_log_moment(trial, z) - trial * passed)]
    height = np.linspace(0, 40, 8001)
    s = saddle + 1j * height
    density = np.exp(_log_moment(s, z) - s * passed) / s
    return float(2 / np.pi * np.trapezoid(density.real, height))


def _log_moment(s: np.ndarray, z: float) -> np.ndarray:
    ratio = s / np.sin(s)
    # The square root's branch that is 1 at s = 0 and has no jumps.
    root = (np.log(np.abs(ratio)) + 1j * np.unwrap(np.angle(ratio))) / 2
    made = root + z * z / 2 * (1 - s / np.tan(s))
    return np.asarray(made if np.iscomplexobj(s) else made.real)
