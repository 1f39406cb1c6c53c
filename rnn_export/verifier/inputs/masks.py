"""Masks of every kind, one kind a row: a batch then shows each way in which steps can be left out."""

from __future__ import annotations

import numpy as np

KINDS = ("none", "right", "left", "interior", "single", "alternate", "all")


def masks(batch: int, time: int, rng: np.random.Generator, *, right_only: bool) -> np.ndarray:
    """Return (batch, time) bool, True for valid.

    Rows in turn: nothing masked; padding on the right; on the left; holes in the middle; a single valid
    step; every other step; everything masked. With ``right_only``, only what right padding can be.
    """
    kinds = ("none", "right", "all", "right") if right_only else KINDS
    return np.stack([_row(kinds[row % len(kinds)], time, rng) for row in range(batch)])


def _row(kind: str, time: int, rng: np.random.Generator) -> np.ndarray:
    steps = np.arange(time)
    cut = int(rng.integers(1, time)) if time > 1 else 1
    if kind == "none":
        return np.ones(time, bool)
    if kind == "all":
        return np.zeros(time, bool)
    if kind == "right":
        return np.asarray(steps < cut)
    if kind == "left":
        return np.asarray(steps >= min(cut, time - 1))
    if kind == "single":
        return np.asarray(steps == int(rng.integers(time)))
    if kind == "alternate":
        return np.asarray(steps % 2 == 1)
    holes = rng.random(time) < 0.4
    holes[[0, -1]] = False
    if time > 2:
        holes[time // 2] = True
    return ~holes
