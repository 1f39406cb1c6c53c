"""Number formats that weights or operands may have been rounded to on the way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnn_export.network.dtypes import numpy_dtype

Rounding = Callable[[np.ndarray], np.ndarray]


def _through(name: str) -> Rounding:
    def rounded(values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return values.astype(np.float32).astype(numpy_dtype(name)).astype(np.float64)

    return rounded


def tf32(values: np.ndarray) -> np.ndarray:
    """Round to 10 bits after the point, ties to even, as cuBLAS prepares its operands."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.int64)
    kept = (bits + 0xFFF + ((bits >> 13) & 1)) & 0xFFFFE000
    return kept.astype(np.uint32).view(np.float32).astype(np.float64)


def tf32_cut(values: np.ndarray) -> np.ndarray:
    """Drop all but 10 bits after the point, as tensor cores do with float32 operands."""
    bits = values.astype(np.float32).view(np.uint32) & np.uint32(0xFFFFE000)
    return bits.view(np.float32).astype(np.float64)


FORMATS: dict[str, Rounding] = {
    "float16": _through("float16"),
    "bfloat16": _through("bfloat16"),
    "tf32": tf32,
    "tf32 (cut off)": tf32_cut,
}


def formats(dtype: str) -> dict[str, Rounding]:
    """Return the formats that are coarser than a dtype's own."""
    return {"float32": _through("float32"), **FORMATS} if dtype == "float64" else FORMATS


STORED: dict[str, float] = {"float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Unit roundoff of the formats in which states can be stored."""
