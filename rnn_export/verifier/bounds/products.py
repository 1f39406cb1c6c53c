"""The rounding error of a sum of products, x W + h R + b: rigorous (any order of summation) and probabilistic.

Sources: Higham, Accuracy and Stability of Numerical Algorithms, section 3.1, for gamma_n; Ipsen and Zhou,
arXiv 1906.10465, for the probabilistic model, which is calibrated and not a theorem.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from rnn_export.verifier.bounds.precision import Arithmetic

SIGMAS = 7.0
"""The probabilistic bound, in modelled deviations: `chance.exceeded` says how often a right sum passes it, at
most 5 times in 10^10, whatever the order of summation and wherever z lies."""

Term = tuple[np.ndarray, np.ndarray]
"""Rows (n, features) and the matrix (features, units) that they are multiplied by."""


def rows(values: np.ndarray) -> np.ndarray:
    """Return an array as rows (n, features), for one matrix product instead of many; features may be none."""
    return values.reshape(prod(values.shape[:-1]), values.shape[-1])


def total(terms: Sequence[Term], bias: np.ndarray | None) -> np.ndarray:
    """Return the sum of products, (n, units), in float64."""
    made: np.ndarray = sum((x @ w for x, w in terms[1:]), terms[0][0] @ terms[0][1])
    return made if bias is None else np.asarray(made + bias)


def size(terms: Sequence[Term], bias: np.ndarray | None) -> np.ndarray:
    """Return |x||W| + |h||R| + |b|, (n, units): no partial sum, in whatever order, is larger."""
    return total([(np.abs(x), np.abs(w)) for x, w in terms], None if bias is None else np.abs(bias))


def deviation(
    terms: Sequence[Term], bias: np.ndarray | None, z: np.ndarray, arithmetic: Arithmetic
) -> np.ndarray:
    """Return the modelled standard deviation of the error of ``z``, (n, units).

    sigma = u sqrt(((n/2 + 1) p2 + (n/3) z^2) / 3), p2 the sum of the squared products, n the number of
    terms: partial sums of a random walk from 0 to z, each rounded once. Operands that are rounded before
    they are multiplied add 2 u_operand^2 p2 / 3.
    """
    n = sum(w.shape[0] for _, w in terms) + 2
    # Squares in float32: a bound needs no sixteen digits, and this is half of a verdict's time.
    p2 = sum(
        (_square(x) @ _square(w) for x, w in terms[1:]), _square(terms[0][0]) @ _square(terms[0][1])
    )
    if bias is not None:
        p2 = p2 + np.square(bias)
    u, v = arithmetic.unit, arithmetic.operand
    variance = (u * u * (n / 2 + 1) + 2 * v * v) / 3 * p2 + u * u * n / 9 * np.square(z)
    return np.asarray(np.sqrt(variance), dtype=np.float64)


def rigorous(terms: Sequence[Term], bias: np.ndarray | None, arithmetic: Arithmetic) -> np.ndarray:
    """Return gamma_n S + n floor, (n, units): no order of summation, fused or not, errs by more.

    S is their `size`; infinite where n u >= 1.
    """
    n = sum(w.shape[0] for _, w in terms) + 2
    return np.asarray(gamma(n, arithmetic) * size(terms, bias) + n * arithmetic.floor)


def gamma(n: int, arithmetic: Arithmetic) -> float:
    """Return n u / (1 - n u), plus what rounded operands add; infinite where n u >= 1."""
    nu = n * arithmetic.unit
    return nu / (1 - nu) + 2.5 * arithmetic.operand if nu < 1 else float("inf")


def _square(values: np.ndarray) -> np.ndarray:
    narrow = values.astype(np.float32)
    fits = not narrow.size or np.abs(narrow).max() < 1e15
    return np.asarray(np.square(narrow if fits else values))
