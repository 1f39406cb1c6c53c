"""The profile of a case: its errors along time beside their bounds, and how they are spread; for people to look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_export.errors import NetworkError
from rnn_export.network import Network
from rnn_export.verifier.bounds.products import SIGMAS
from rnn_export.verifier.comparing import ratios
from rnn_export.verifier.estimate import Estimate
from rnn_export.verifier.horizon import reach
from rnn_export.verifier.observation import Observation
from rnn_export.verifier.prediction import watched
from rnn_export.verifier.shapes import unfit
from rnn_export.verifier.walk import Shown, Tread

POINTS = 240
"""A curve keeps at most this many; of the steps that share one, it shows the worst."""

BINS = 48
"""Of the histogram, over -SIGMAS to SIGMAS: the bound lies at both ends."""


@dataclass(frozen=True)
class Curve:
    """Errors of one array along time.

    Args:
        subject: what was compared: "states of rnn#0".
        model: "probabilistic" (each step by itself) or "global" (errors pile up).
        error, bound: |shown - predicted| and bound of the element of each step that comes nearest to its
            bound, or is farthest beyond it; infinite where it is not comparable.
        stride: steps to a point.
        steps: in all; those beyond the horizon have no points.
    """

    subject: str
    model: str
    error: tuple[float, ...]
    bound: tuple[float, ...]
    stride: int
    steps: int


@dataclass(frozen=True)
class Profile:
    """All that was compared by a bound in one case.

    Args:
        curves: one for each array.
        counts: elements by error / predicted deviation, BINS equal bins from -SIGMAS to SIGMAS.
        outside: elements beyond either end.
    """

    curves: tuple[Curve, ...] = ()
    counts: tuple[int, ...] = (0,) * BINS
    outside: int = 0


def profile(network: Network, observation: Observation) -> Profile:
    """Return the profile of an observation; an empty one where nothing can be compared.

    Args:
        network: what the model should compute.
        observation: what was shown.
    """
    if unfit(network, observation) is not None:
        return Profile()
    if any(not np.asarray(feed).size for feed in observation.feeds.values()):
        return Profile()
    tapped = observation.tapped is not None
    shown = Shown(
        observation.tapped if observation.tapped is not None else observation.shipped,
        observation.cells if tapped else (),
        observation.envelope,
        seed=observation.seed,
    )
    try:
        trail, predicted = watched(network, observation.feeds, shown)
    except NetworkError:
        return Profile()
    drawn = [_of_cell(tread) for tread in trail.treads]
    for port in network.outputs:
        estimate, array = predicted[port.name], shown.outputs[port.name]
        if not estimate.exact and array.shape == estimate.value.shape and array.ndim > 1:
            dtype = network.spec(port.tensor).dtype
            drawn.append(_of_output(f"output {port.name!r}", array, estimate, dtype))
    counts = np.sum([counts for _, counts, _ in drawn], axis=0, dtype=int, initial=0)
    return Profile(
        tuple(curve for curve, _, _ in drawn),
        tuple(int(count) for count in np.broadcast_to(counts, BINS)),
        sum(outside for _, _, outside in drawn),
    )


_Drawn = tuple[Curve, np.ndarray, int]


def _of_cell(tread: Tread) -> _Drawn:
    steps, case = tread.steps, tread.case
    among = None if steps.active is None else steps.active[:, :, None]
    found = ratios(steps.after, tread.local.value, tread.local.bound, case.dtype)
    return _draw(
        f"states of {case.path}",
        "probabilistic",
        (steps.after, tread.local.value, tread.local.bound, found),
        among,
    )


def _of_output(subject: str, array: np.ndarray, estimate: Estimate, dtype: str) -> _Drawn:
    among, _ = reach(estimate, dtype)
    arrays = (
        array.astype(np.float64),
        estimate.value,
        estimate.error,
        ratios(array, estimate.value, estimate.bound, dtype),
    )
    # Time first; an output without time is one step.
    if array.ndim > 2:
        arrays = tuple(values.swapaxes(0, 1) for values in arrays)  # type: ignore[assignment]
        among = None if among is None else among.swapaxes(0, 1)
    else:
        arrays = tuple(values[None] for values in arrays)  # type: ignore[assignment]
        among = None if among is None else among[None]
    return _draw(subject, "global", arrays, among)


def _draw(
    subject: str,
    model: str,
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    among: np.ndarray | None,
) -> _Drawn:
    """Return curve and histogram of shown, predicted, bound and ratio, all (time, ...)."""
    shown, value, bound, found = arrays
    time = len(found)
    counted = np.ones(found.shape, bool) if among is None else np.broadcast_to(among, found.shape)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        away = shown - value
        deviations = np.where(away == 0, 0.0, away / (bound / SIGMAS))
    away = np.where(np.isfinite(found), np.nan_to_num(np.abs(away), posinf=0.0), np.inf)
    stride = max(1, -(-time // POINTS))
    errors, bounds = [], []
    for start in range(0, time, stride):
        here = counted[start : start + stride]
        if not here.any():
            continue
        near = np.where(here, found[start : start + stride], -1.0)
        at = int(near.argmax())
        errors.append(float(away[start : start + stride].ravel()[at]))
        bounds.append(float(bound[start : start + stride].ravel()[at]))
    chosen = deviations[counted]
    finite = chosen[np.isfinite(chosen)]
    counts, _ = np.histogram(finite, BINS, (-SIGMAS, SIGMAS))
    curve = Curve(subject, model, tuple(errors), tuple(bounds), stride, time)
    return curve, counts, int(chosen.size - counts.sum())
