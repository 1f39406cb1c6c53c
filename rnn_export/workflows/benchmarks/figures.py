"""The figures of a benchmark: medians with spread, and ratios of times that were taken in pairs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """The middle of some numbers and the middle half of them.

    Args:
        median, lower, upper: the quartiles.
    """

    median: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Ratio:
    """The median of paired ratios with an interval that holds the true median in 95 of 100 benchmarks.

    Args:
        median: of the ratios.
        lower, upper: ends of the interval; 0 and infinity where there are too few pairs for one.
    """

    median: float
    lower: float
    upper: float


def spread(values: Sequence[float]) -> Spread:
    """Return the quartiles of at least one value.

    >>> spread([4.0, 1.0, 2.0, 3.0, 5.0])
    Spread(median=3.0, lower=2.0, upper=4.0)
    """
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, lower, upper)


def paired_ratio(times: Sequence[float], others: Sequence[float]) -> Ratio:
    """Return how many times as long the first took as the second, round by round.

    A round's disturbances, such as another process or a lower clock, hit both and cancel in the ratio.

    Args:
        times, others: seconds of the same rounds, in the same order.

    Source: order statistics; between the k-th smallest and the k-th largest of n values lies the median with
        probability 1 - 2 P(Binomial(n, 1/2) < k), whatever the distribution.
    """
    ratios = sorted(a / b for a, b in zip(times, others, strict=True))
    rank = _rank(len(ratios))
    if rank is None:
        return Ratio(statistics.median(ratios), 0.0, math.inf)
    return Ratio(statistics.median(ratios), ratios[rank - 1], ratios[-rank])


def _rank(count: int) -> int | None:
    """Return the largest k whose interval still has the confidence; None below 6 values.

    >>> [_rank(count) for count in (5, 6, 9, 15)]
    [None, 1, 2, 4]
    """
    allowed = (1.0 - CONFIDENCE) / 2.0 * 2.0**count
    below, rank = 0, 0
    while below + math.comb(count, rank) <= allowed:
        below += math.comb(count, rank)
        rank += 1
    return rank or None
