"""The figures of a benchmark are medians of what was measured, and its intervals hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnn_export.workflows.benchmarks.figures import CONFIDENCE, Ratio, paired_ratio, spread


def test_the_spread_is_the_median_and_the_middle_half() -> None:
    found = spread([5.0, 1.0, 4.0, 2.0, 3.0])
    assert (found.median, found.lower, found.upper) == (3.0, 2.0, 4.0)


def test_a_single_value_is_its_own_spread() -> None:
    found = spread([7.0])
    assert (found.median, found.lower, found.upper) == (7.0, 7.0, 7.0)


def test_a_disturbance_that_hits_both_leaves_the_ratio_as_it_is() -> None:
    others = [1.0, 1.0, 8.0, 1.0, 1.0, 64.0, 1.0]
    assert paired_ratio([2 * value for value in others], others).median == 2.0


def test_below_six_pairs_there_is_no_interval() -> None:
    assert paired_ratio([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5) == Ratio(3.0, 0.0, math.inf)


def test_six_pairs_span_the_interval_from_the_least_to_the_largest() -> None:
    found = paired_ratio([6.0, 1.0, 5.0, 2.0, 4.0, 3.0], [1.0] * 6)
    assert (found.lower, found.upper) == (1.0, 6.0)


@pytest.mark.parametrize("count", [6, 9, 15, 40])
def test_the_interval_holds_the_true_median_as_often_as_promised(count: int) -> None:
    generator = np.random.default_rng(count)
    trials = 4000
    held = 0
    for _ in range(trials):
        ratios = generator.lognormal(sigma=1.0, size=count)  # its median is 1
        found = paired_ratio(list(ratios), [1.0] * count)
        held += found.lower <= 1.0 <= found.upper
    # The share of hits is binomial with at least CONFIDENCE; 5 standard deviations below is no chance.
    deviation = math.sqrt(CONFIDENCE * (1 - CONFIDENCE) / trials)
    assert held / trials >= CONFIDENCE - 5 * deviation


def test_unequal_numbers_of_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([1.0, 2.0], [1.0])
