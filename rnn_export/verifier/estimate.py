"""What is known of one tensor while a network is walked through: its float64 value and how far the runtime may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MEMBERS = 24
"""Runs in the ensemble that samples how rounding errors travel."""

SPREAD = 9.5
"""Bound of a travelled error, in root mean squares over the ensemble: Student's t with MEMBERS degrees of
freedom passes it once in 10^9, as the normal distribution does 6 standard deviations."""


@dataclass(frozen=True)
class Estimate:
    """A tensor's value, exact or with a sampled error.

    Args:
        value: float64 for fractions, else as it is.
        bound: of |runtime's value - value|, of value's shape; None where it is exact.
        members: (MEMBERS, ...) values with random rounding errors, for what is computed from them;
            None where it is exact.
        hidden: some error in it travelled along time in states that nobody saw.
    """

    value: np.ndarray
    bound: np.ndarray | None = None
    members: np.ndarray | None = None
    hidden: bool = False

    @property
    def model(self) -> str:
        """The grounds on which the value is compared, as a verdict states them."""
        return "exact" if self.exact else "global" if self.hidden else "probabilistic"

    @property
    def exact(self) -> bool:
        return self.bound is None

    @property
    def error(self) -> np.ndarray:
        """The bound, with zeros for an exact tensor."""
        return np.zeros(self.value.shape) if self.bound is None else self.bound


def stacked(estimate: Estimate) -> np.ndarray:
    """Return the members one below the other along the batch axis; an exact tensor is repeated."""
    members = estimate.members
    if members is None:
        return np.concatenate([estimate.value] * MEMBERS)
    return members.reshape(-1, *members.shape[2:])


def unstacked(values: np.ndarray) -> np.ndarray:
    """Return (MEMBERS, batch, ...) from members along the batch axis."""
    return values.reshape(MEMBERS, values.shape[0] // MEMBERS, *values.shape[1:])


def travelled(members: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the bound of the error that members show around ``value``."""
    with np.errstate(invalid="ignore", over="ignore"):
        away = members - value
        away[~np.isfinite(away)] = 0.0
        return np.asarray(SPREAD * np.sqrt(np.mean(np.square(away), axis=0)))


def signs(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """Return random +1 and -1 (int8): the cheapest noise of variance 1."""
    size = int(np.prod(shape))
    bits = np.unpackbits(np.frombuffer(rng.bytes((size + 7) // 8), np.uint8), count=size)
    return (bits.astype(np.int8) * 2 - 1).reshape(shape)


def noisy(values: np.ndarray, sigma: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return members (MEMBERS, ...) moved by sigma up or down at random; ``values`` may lack the member axis."""
    shape = (MEMBERS, *sigma.shape)
    return np.asarray(values + sigma * signs(rng, shape))
