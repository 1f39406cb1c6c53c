"""Which numbers the reference computes with: stored weights and casts are rounded first, then widened."""

from __future__ import annotations

import numpy as np

from rnn_export.network import Weight
from rnn_export.network.dtypes import is_floating, numpy_dtype


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
