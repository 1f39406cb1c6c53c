"""A hypothesis: a known bug by its name, and how to see whether it explains what was shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnn_export.verifier.bounds.cell import Affine, Local
from rnn_export.verifier.bounds.products import rows
from rnn_export.verifier.comparing import ratios
from rnn_export.verifier.steps import Case, Steps

FEW = (24, 256)
"""Samples on which a hypothesis is tried first: most fall at once, and most of the rest soon after."""

MOST = 4096
"""Samples from which a number is estimated, where there are more."""


@dataclass(frozen=True)
class Hypothesis:
    """A bug.

    Args:
        name: for the report.
        explains: True if, the bug assumed, nothing is left beyond its bound.
        precision: the arithmetic it stands for, where it is no bug but a coarser arithmetic; "" otherwise.
        weak: it fits more than one bug, and counts only where no other hypothesis explains.
        trial: the cell under the hypothesis, where it is about a cell's weights.
        alike: keep it even beside one that predicts the same.
    """

    name: str
    explains: Callable[[], bool]
    precision: str = ""
    weak: bool = False
    trial: Trial | None = None
    alike: bool = False


def explaining(hypotheses: Iterable[Hypothesis]) -> list[Hypothesis]:
    """Return the hypotheses that explain, the first alone of those that cannot be told apart."""
    seen: set[bytes] = set()
    found = []
    for item in hypotheses:
        if not item.explains():
            continue
        if item.trial is not None and not item.alike:
            same = item.trial.fingerprint()
            if same in seen:
                continue
            seen.add(same)
        found.append(item)
    return [item for item in found if not item.weak] or found


@dataclass(frozen=True)
class Subject:
    """The cell that hypotheses are about.

    Args:
        case: the cell.
        steps: what was shown.
        local: what should have been, step by step.
        sets: few samples of the steps first, all of them last.
        others: (path, weights) of the network's other cells of the same sizes.
    """

    case: Case
    steps: Steps
    local: Local
    sets: tuple[Steps, ...]
    others: tuple[tuple[str, Affine], ...] = ()

    @staticmethod
    def of(
        case: Case, steps: Steps, local: Local, others: tuple[tuple[str, Affine], ...] = ()
    ) -> Subject:
        """Return the subject, with few samples of its steps beside all of them."""
        away = ratios(steps.after, local.value, local.bound, case.dtype).max(axis=2)
        if steps.active is not None:
            away = np.where(steps.active, away, 0.0)
        return Subject(case, steps, local, (*_samples(steps, away), steps), others)

    def changed(
        self, name: str, *, weak: bool = False, alike: bool = False, **changes: Any
    ) -> Hypothesis:
        """Return the hypothesis that the cell has other weights or another activation.

        Args:
            name: of the bug.
            weak, alike: as for Hypothesis.
            changes: to the cell's Affine.
        """
        case = replace(self.case, affine=replace(self.case.affine, **changes))
        trial = Trial(case, self.sets)
        return Hypothesis(name, trial.holds, weak=weak, trial=trial, alike=alike)

    def moved(self, row: int, column: int, delta: float) -> Trial:
        """Return the trial of one weight moved: row of [kernel; recurrent_kernel; bias], column."""
        affine = self.case.affine
        names = {"kernel": affine.kernel, "recurrent": affine.recurrent, "bias": affine.bias}
        for name, held in names.items():
            values = np.zeros(affine.kernel.shape[1]) if held is None else held
            rows = np.atleast_2d(values)
            if row < len(rows):
                other = rows.copy()
                other[row, column] += delta
                changes: dict[str, Any] = {name: other.reshape(values.shape)}
                case = replace(self.case, affine=replace(affine, **changes))
                return Trial(case, self.sets)
            row -= len(rows)
        raise IndexError(row)

    def sample(self) -> Subject:
        """Return the subject with at most MOST samples, to estimate numbers from."""
        steps = thinned(self.steps, _spread(self.steps, MOST))
        if steps is None:
            return self
        return Subject(self.case, steps, steps.local(self.case), (steps,))


@dataclass(frozen=True)
class Trial:
    """A cell's steps under changed assumptions.

    Args:
        case: the cell, with changed weights, activation or envelope.
        sets: what was shown, few samples of it first, all of it last.
        taken: how each set is taken, if not as it is.
    """

    case: Case
    sets: tuple[Steps, ...]
    taken: Callable[[Steps], Steps] = lambda steps: steps

    @staticmethod
    def on(case: Case, steps: Steps) -> Trial:
        """Return the trial on all steps, after one on few of them spread over all."""
        few = (thinned(steps, _spread(steps, count)) for count in FEW)
        return Trial(case, (*(item for item in few if item is not None), steps))

    def holds(self) -> bool:
        """Tell whether nothing lies beyond its bound: on a few samples first, then on all."""
        return all(self._holds(self.taken(steps)) for steps in self.sets)

    def fingerprint(self) -> bytes:
        """Return bytes that are equal where two trials predict the same states."""
        steps = self.sets[-2] if len(self.sets) > 1 else self.sets[-1]
        return np.round(self.local(self.taken(steps)).value, 12).tobytes()

    def _holds(self, steps: Steps) -> bool:
        local, active = self.local(steps), steps.active
        found = ratios(steps.after, local.value, local.bound, self.case.dtype)
        return bool(((found <= 1) | (False if active is None else ~active[:, :, None])).all())

    def local(self, steps: Steps) -> Local:
        """Return the float64 steps that the case predicts."""
        return steps.local(self.case)


def thinned(steps: Steps, places: np.ndarray | None) -> Steps | None:
    """Return the samples at ``places`` of the steps laid out flat, as steps of one row each; None for None."""
    if places is None:
        return None

    def thin(values: np.ndarray) -> np.ndarray:
        return np.asarray(rows(values)[places][:, None])

    error = None if steps.x_error is None else thin(steps.x_error)
    added = None if steps.added is None else thin(steps.added)
    return Steps(thin(steps.x), thin(steps.before), thin(steps.after), None, False, error, added)


def _spread(steps: Steps, count: int) -> np.ndarray | None:
    """Return ``count`` places spread over all steps that count; None if there are hardly more."""
    places = _places(steps)
    if len(places) <= 2 * count:
        return None
    return np.asarray(places[np.linspace(0, len(places) - 1, count).astype(int)])


def _places(steps: Steps) -> np.ndarray:
    shape = steps.after.shape[:2]
    return np.flatnonzero(np.ones(shape, bool) if steps.active is None else steps.active)


def _samples(steps: Steps, away: np.ndarray) -> Iterable[Steps]:
    """Yield few samples, then more: half of them where it is worst, for there wrong ideas fall."""
    worst = np.argsort(-away.ravel(), kind="stable")
    for count in FEW:
        spread = _spread(steps, count // 2)
        found = None
        if spread is not None:
            found = thinned(steps, np.union1d(worst[: count // 2], spread))
        if found is not None:
            yield found
