"""A second opinion on a suspected weight, which assumes nothing of how large rounding errors are, or how alike.

The regression divides by one scale for each unit; where errors differ in size from place to place, chance is
larger than it thinks. A sum of independent errors, each as likely up as down, divided by the root of the sum of
*their own* squares passes t at most once in exp(t^2 / 2) / 2, whatever their sizes: de la Pena, A General Class
of Exponential Inequalities for Martingales and Ratios (1999).
"""

from __future__ import annotations

import numpy as np

from rnn_export.verifier.bounds import products
from rnn_export.verifier.bounds.cell import slopes
from rnn_export.verifier.bounds.products import SIGMAS
from rnn_export.verifier.nuisance import without_constants, without_curve
from rnn_export.verifier.regression import SPEAKS, Suspect, distinct
from rnn_export.verifier.trail import Tread

QUIET = 0.1
"""An argument's error that moves the result by less than this part of the activation's own says nothing."""

PART = 0.4
"""Part of the deviation of the steady part of a sum by which a weight has to move the sum. Right runs with all but
steady states were seen to reach 0.28; one weight of 64 off by 1e-7 moves it by 0.68 or more."""


def confirmed(tread: Tread, suspect: Suspect) -> bool:
    """Tell whether any weight of the suspect's unit stands out by the errors' own sizes too."""
    case, steps, local = tread.case, tread.steps, tread.local
    chosen = slice(None) if steps.active is None else steps.active.ravel()

    def flat(values: np.ndarray) -> np.ndarray:
        return np.asarray(products.rows(values)[chosen])

    z, value, before = flat(local.z), flat(local.value), flat(steps.before)
    slope = slopes(case.affine.activation, z)
    moved, margin = np.abs(slope) * flat(local.sigma), flat(local.margin) / SIGMAS
    variance = np.square(moved) + np.square(margin)
    weight = np.divide(1.0, variance, out=np.zeros_like(variance), where=moved > QUIET * margin)
    defect = without_constants(case, z, value, before, slope, flat(steps.after) - value, weight)
    weight, residual = without_curve(case, z, defect, weight)
    unit = suspect.column
    pulled = (slope * residual * weight)[:, unit]
    bend = (np.square(slope) * weight)[:, unit]
    first = distinct(z[:, unit], flat(local.sigma)[:, unit])
    pulled, bend = pulled[first], bend[first]
    f = np.concatenate([flat(steps.x), before, np.ones((len(z), 1))], axis=1)[first]
    # As in the regression: what the bias can explain is the bias'.
    tiny = float(np.finfo(np.float64).tiny)
    offset = bend @ f / max(float(bend.sum()), tiny)
    offset[-1] = 0.0
    terms = (f - offset) * pulled[:, None]
    size = np.sqrt(np.square(terms).sum(axis=0))
    t = np.divide(terms.sum(axis=0), size, out=np.zeros_like(size), where=size > 0)
    # What hardly changes from step to step rounds the same way each time: errors of its size have a direction.
    power = bend @ np.square(f - offset)
    moved_by = np.abs(terms.sum(axis=0)) / np.sqrt(np.maximum(power, tiny) * max(bend.sum(), tiny))
    mean = f.mean(axis=0)[None]
    width = case.affine.kernel.shape[0]
    still = case.affine.terms(mean[:, :width], mean[:, width:-1])
    bias = case.affine.bias if steps.added is None else flat(steps.added).mean(axis=0)
    sums = products.total(still, bias)
    steady = products.deviation(still, bias, sums, case.arithmetic)[0, unit]
    return bool(((np.abs(t) > SPEAKS) & (moved_by > PART * steady)).any())
