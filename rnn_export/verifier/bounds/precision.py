"""Units in the last place of each arithmetic: the only constants that a bound starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNITS: dict[str, float] = {
    "float64": 2.0**-53,
    "float32": 2.0**-24,
    "tf32": 2.0**-11,
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
}
"""Unit roundoff u: the largest relative error of rounding one number to nearest."""

FLOORS: dict[str, float] = {
    "float64": 2.0**-1022,
    "float32": 2.0**-126,
    "float16": 2.0**-14,
    "bfloat16": 2.0**-126,
}
"""Smallest normal number: below it a runtime may flush to zero."""

LARGEST: dict[str, float] = {
    "float64": float(np.finfo(np.float64).max),
    "float32": float(np.finfo(np.float32).max),
    "float16": 65504.0,
    "bfloat16": (2 - 2.0**-7) * 2.0**127,
}

ORACLE_UNIT = UNITS["float64"]
"""The oracle's own rounding. What is bounded is the distance from the oracle, not from the truth: both err, and as
every bound here grows at least linearly with the unit, one at the sum of the units covers the sum of the errors. It
doubles the bound of a float64 network, and adds a part in 2^29 to that of a float32 one."""


@dataclass(frozen=True)
class Arithmetic:
    """How sums of products are rounded.

    Args:
        unit: unit roundoff of every addition and of the stored result.
        operand: unit roundoff to which operands are rounded before they are multiplied (tf32, bf16 units
            that add in float32); 0 where they are taken as they are.
        floor: numbers smaller than this may become zero.
    """

    unit: float
    operand: float = 0.0
    floor: float = FLOORS["float32"]

    @property
    def lost(self) -> float:
        """How much one operation may lose below the smallest normal number; float16 is never flushed in a sum."""
        return self.floor if self.floor <= FLOORS["float32"] else self.unit * self.floor


def arithmetic(dtype: str, precision: str = "") -> Arithmetic:
    """Return the arithmetic of a compute dtype, or of a coarser ``precision`` that replaces it.

    >>> arithmetic("float32").unit == 2.0**-24 + 2.0**-53
    True
    >>> arithmetic("float64").unit == 2.0**-52
    True
    """
    own = UNITS.get(dtype, UNITS["float32"]) + ORACLE_UNIT
    floor = FLOORS.get(dtype, FLOORS["float32"])
    if precision == "tf32":
        return Arithmetic(own, UNITS["tf32"], floor)
    if precision in UNITS:
        coarse = UNITS[precision]
        return Arithmetic(max(own, coarse + ORACLE_UNIT), coarse, floor)
    return Arithmetic(own, 0.0, floor)
