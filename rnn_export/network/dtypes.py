"""Dtypes by name, bfloat16 included, which NumPy alone does not know."""

from __future__ import annotations

import numpy as np

HALF = ("float16", "bfloat16")
"""Half precision: where a framework, an operator or a file has no numbers of these, float32 carries them."""


def numpy_dtype(name: str) -> np.dtype:
    """Return the dtype of this name, NumPy's or (bfloat16) that of ml_dtypes."""
    if name == "bfloat16":
        import ml_dtypes

        found: np.dtype = np.dtype(ml_dtypes.bfloat16)
        return found
    return np.dtype(name)


def is_floating(name: str) -> bool:
    """Tell whether the dtype of this name holds fractions."""
    return name == "bfloat16" or np.dtype(name).kind == "f"
