"""Which numbers the reference computes with: stored weights and casts are rounded first, then widened."""

from __future__ import annotations

import numpy as np

from rnn_export.network import Weight

HALF = ("float16", "bfloat16")
"""Dtypes in which Keras' normalisations do not compute: they widen to float32 first."""


def numpy_dtype(name: str) -> np.dtype:
    """Return the dtype of this name, NumPy's or (bfloat16) that of ml_dtypes."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)  # type: ignore[no-any-return]  # ml_dtypes types it as Any
    return np.dtype(name)


def is_floating(name: str) -> bool:
    """Tell whether the dtype of this name holds fractions."""
    return name == "bfloat16" or np.dtype(name).kind == "f"


def rounded(values: np.ndarray, name: str) -> np.ndarray:
    """Return ``values`` in the dtype ``name``; what is too large becomes infinite, as in Keras."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(numpy_dtype(name))


def working(values: np.ndarray, name: str, dtype: np.dtype) -> np.ndarray:
    """Return ``values`` rounded to the dtype ``name``; fractions are then given in the working ``dtype``."""
    exact = rounded(values, name)
    return exact.astype(dtype) if is_floating(name) else exact


def effective(weight: Weight, name: str, dtype: np.dtype) -> np.ndarray:
    """Return the numbers that a layer computing in ``name`` really uses, in the working ``dtype``."""
    return working(weight.read(), name, dtype)


def constant(values: list[float], name: str, dtype: np.dtype) -> np.ndarray:
    """Return plain numbers of a layer's configuration as a layer computing in ``name`` uses them.

    TensorFlow makes float32 of a Python number first, in float64 too.
    """
    return working(np.array(values, np.float32), name, dtype)
