"""A hypothesis: a known bug by its name, and how to see whether it explains what was shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnn_export.verifier.bounds.cell import Local
from rnn_export.verifier.comparing import ratios
from rnn_export.verifier.tapped import Case, Steps

FEW = (16, 192)
"""Samples on which a hypothesis is tried first: most fall at once, and most of the rest soon after."""


@dataclass(frozen=True)
class Hypothesis:
    """A bug.

    Args:
        name: for the report.
        explains: True if, the bug assumed, nothing is left beyond its bound.
        precision: the arithmetic it stands for, where it is no bug but a coarser arithmetic; "" otherwise.
        same: equal for hypotheses that nothing shown can tell apart; None if unlike any other.
        weak: it fits more than one bug, and counts only where no other hypothesis explains.
        trial: the cell under the hypothesis, where it is about a cell's weights.
    """

    name: str
    explains: Callable[[], bool]
    precision: str = ""
    same: bytes | None = None
    weak: bool = False
    trial: Trial | None = None


def explaining(hypotheses: Iterable[Hypothesis]) -> list[Hypothesis]:
    """Return the hypotheses that explain, the first alone of those that cannot be told apart."""
    seen: set[bytes] = set()
    found = []
    for item in hypotheses:
        if (item.same is not None and item.same in seen) or not item.explains():
            continue
        if item.same is not None:
            seen.add(item.same)
        found.append(item)
    return [item for item in found if not item.weak] or found


@dataclass(frozen=True)
class Trial:
    """A cell's steps under changed assumptions.

    Args:
        case: the cell, with changed weights, activation or envelope.
        steps: what was shown, perhaps taken otherwise.
    """

    case: Case
    steps: Steps

    def holds(self) -> bool:
        """Tell whether nothing lies beyond its bound: on a few samples first, then on all."""
        thinned = (self._few(count) for count in FEW)
        return all(few is None or few._holds() for few in thinned) and self._holds()

    def fingerprint(self) -> bytes:
        """Return bytes that are equal where two trials predict the same states."""
        thin = self._few(FEW[-1]) or self
        return np.round(thin.local().value, 12).tobytes()

    def _holds(self) -> bool:
        local, active = self.local(), self.steps.active
        found = ratios(self.steps.after, local.value, local.bound, self.case.dtype)
        return bool(((found <= 1) | (False if active is None else ~active[:, :, None])).all())

    def local(self) -> Local:
        """Return the float64 steps that the case predicts."""
        case, steps = self.case, self.steps
        return Local(
            case.affine, steps.x, steps.before, case.arithmetic, case.envelope, steps.x_error
        )

    def _few(self, count: int) -> Trial | None:
        """Return the trial on a few samples, spread over all; None if there are no more."""
        steps = self.steps
        shape = steps.after.shape[:2]
        chosen = np.ones(shape, bool) if steps.active is None else steps.active
        places = np.flatnonzero(chosen)
        if len(places) <= 2 * count:
            return None
        places = places[np.linspace(0, len(places) - 1, count).astype(int)]

        def thin(values: np.ndarray) -> np.ndarray:
            return np.asarray(values.reshape(-1, values.shape[-1])[places][:, None])

        x_error = None if steps.x_error is None else thin(steps.x_error)
        few = Steps(thin(steps.x), thin(steps.before), thin(steps.after), None, False, x_error)
        return Trial(self.case, few)


def changed(
    case: Case,
    steps: Steps,
    name: str,
    *,
    weak: bool = False,
    alike: bool = False,
    **changes: Any,
) -> Hypothesis:
    """Return the hypothesis that a cell has other weights or another activation.

    Args:
        case, steps: the cell.
        name: of the bug.
        weak: as for Hypothesis.
        alike: keep it even beside one that predicts the same.
        changes: to the cell's Affine.
    """
    trial = Trial(replace(case, affine=replace(case.affine, **changes)), steps)
    same = None if alike else trial.fingerprint()
    return Hypothesis(name, trial.holds, same=same, weak=weak, trial=trial)
