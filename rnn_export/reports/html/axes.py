"""Axes: where a number lies in a drawing, and which numbers are written beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in the drawing's units, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Span:
    """A straight axis: ``low`` lies at ``start``, ``high`` at ``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return where a value lies; what is off the axis lies at its end."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 1)

    def ticks(self, values: Sequence[float]) -> tuple[Tick, ...]:
        """Return ticks at these values."""
        return tuple(Tick(self(value), f"{value:g}") for value in values)


@dataclass(frozen=True)
class Decades:
    """A logarithmic axis from 10^low at ``start`` to 10^high at ``end``."""

    low: int
    high: int
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return where a value lies; zero lies at the lower end, infinity at the upper."""
        if value <= 0:
            return self.start
        exponent = float(self.high) if math.isinf(value) else math.log10(value)
        return Span(self.low, self.high, self.start, self.end)(exponent)

    def ticks(self) -> tuple[Tick, ...]:
        """Return at most six powers of ten."""
        every = max(1, math.ceil((self.high - self.low) / 5))
        return tuple(
            Tick(self(10.0**power), f"10{str(power).translate(SUPERSCRIPTS)}")
            for power in range(self.low, self.high + 1, every)
        )


def decades(values: Sequence[float], start: float, end: float, most: int = 12) -> Decades:
    """Return the axis that holds all positive finite values, at most so many decades down from the largest.

    >>> axis = decades([3e-7, 2e-6, 0.0], 100.0, 0.0)
    >>> axis.low, axis.high, axis(0.0), axis(1e-5)
    (-7, -5, 100.0, 0.0)
    """
    held = [value for value in values if 0 < value < math.inf]
    high = math.ceil(math.log10(max(held, default=1.0)))
    low = math.floor(math.log10(min(held, default=0.1)))
    return Decades(max(min(low, high - 1), high - most), high, start, end)


def whole(last: int) -> tuple[int, ...]:
    """Return at most five round whole numbers from 0 to ``last``.

    >>> whole(6), whole(51), whole(0)
    ((0, 2, 4, 6), (0, 20, 40), (0,))
    """
    if last <= 0:
        return (0,)
    step = 10 ** math.floor(math.log10(last))
    for smaller in (0.1, 0.2, 0.5, 1, 2):
        every = max(1, round(step * smaller))
        if last // every <= 4:
            return tuple(range(0, last + 1, every))
    return (0, last)


def times(ratio: float) -> str:
    """Return a ratio of error to bound for people.

    >>> times(0.5312), times(12.4), times(2.8e6), times(float("inf"))
    ('0.53', '12', '2.8·10⁶', '∞')
    """
    if not math.isfinite(ratio):
        return "∞" if math.isinf(ratio) else "not a number"
    if ratio < 1e4:
        return f"{ratio:.2g}" if ratio < 100 else f"{ratio:.0f}"
    mantissa, _, exponent = f"{ratio:.1e}".partition("e")
    return f"{mantissa}·10{str(int(exponent)).translate(SUPERSCRIPTS)}"
