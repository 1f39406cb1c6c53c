"""Changes to a weight's values: one entry moved, all of them rounded, laid out otherwise."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from tests.mutants.kinds import Change, Choose, Rng


def moved(value: np.floating, size: float) -> np.floating:
    """Return a number that is larger by at least ``size``, rounding included."""
    kind = type(value)
    found = value + kind(size)
    return found if float(found) - float(value) >= size else np.nextafter(found, kind(np.inf))


def nudged(size: float) -> Choose:
    """Return a change that moves one entry by ``size``."""

    def change(values: np.ndarray, rng: Rng) -> np.ndarray:
        place = tuple(rng.integers(n) for n in values.shape)
        values[place] = moved(values[place], size)
        return values

    return change


def nudged_row(size: float) -> Choose:
    """Return a change of one entry in a row that is not the masked one."""

    def change(values: np.ndarray, rng: Rng) -> np.ndarray:
        place = rng.integers(1, len(values)), rng.integers(values.shape[1])
        values[place] = moved(values[place], size)
        return values

    return change


def bias_nudged(size: float) -> Choose:
    """Return a change of one entry of Wb in the B of an RNN node."""

    def change(values: np.ndarray, rng: Rng) -> np.ndarray:
        place = 0, rng.integers(values.shape[1] // 2)
        values[place] = moved(values[place], size)
        return values

    return change


def one(factor: float) -> Choose:
    """Return a change that multiplies one entry."""

    def change(values: np.ndarray, rng: Rng) -> np.ndarray:
        place = tuple(rng.integers(n) for n in values.shape)
        values[place] *= np.float32(factor)
        return values

    return change


def scaled(factor: float) -> Change:
    return lambda values: values * np.float32(factor)


def half(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16).astype(np.float32)


def brain(values: np.ndarray) -> np.ndarray:
    return values.astype(ml_dtypes.bfloat16).astype(np.float32)


def tf32(values: np.ndarray) -> np.ndarray:
    bits = values.view(np.uint32).astype(np.uint64)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) & 0xFFFFE000).astype(np.uint32).view(np.float32)


def transposed(values: np.ndarray) -> np.ndarray:
    return values.swapaxes(-1, -2)


def reshaped(values: np.ndarray) -> np.ndarray:
    """Return W as it would be had Keras' kernel been reshaped to (1, units, features)."""
    return np.ascontiguousarray(values[0].T).reshape(values.shape)


def doubled(values: np.ndarray) -> np.ndarray:
    wide = values.shape[1] // 2
    values[:, wide:] = values[:, :wide]
    return values


def rolled(by: int) -> Change:
    return lambda values: np.roll(values, by, 0)


def reverse(values: np.ndarray) -> np.ndarray:
    return values[::-1]
