"""The envelope: what a probe measures of a runtime before it sees the model under test.

How far its activation may lie from the true one, A, in units u of the arithmetic; and how far its sums err of
what the model of a sum from one end to the other allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_export.network import Activation
from rnn_export.verifier.bounds.activation import change
from rnn_export.verifier.bounds.chance import WALK

SELECTIONS = frozenset(
    {
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "hard_tanh",
        "threshold",
        "hard_shrink",
        "soft_shrink",
    }
)
"""Activations of at most two roundings: they pick, clip or scale."""

CLIPPED = frozenset({"hard_sigmoid", "sparse_sigmoid"})
"""Activations that clip what they make to 0 and 1, and then are off by nothing."""

PRODUCTS = frozenset({"silu", "gelu", "mish", "hard_silu", "tanh_shrink"})
"""Activations made of z and something that saturates: an error of the latter is carried by z."""

RELATIVE, ABSOLUTE = 6.0, 3.0
"""A = u (6 |m| + 3): the default. Seen (max error in u): NumPy 1.0, onnxruntime RNN 3.0, TensorFlow 5.8."""


@dataclass(frozen=True)
class Envelope:
    """A = u (relative |m| + absolute), m the largest number met while computing the activation.

    Args:
        measured: (activation's text, relative, absolute) where a probe has measured the runtime.
        stored: unit roundoff to which a result is rounded when it is put away, where that is coarser than
            the arithmetic; 0 where it is not.
        sums: (features, units, part) of every size of cell that a probe has measured: its sums err by this
            part of the modelled deviation.
        carried: names of further activations whose error is carried by z, as it is in PRODUCTS.
    """

    measured: tuple[tuple[str, float, float], ...] = ()
    stored: float = 0.0
    sums: tuple[tuple[int, int, float], ...] = ()
    carried: tuple[str, ...] = ()

    def part(self, shape: tuple[int, ...]) -> float:
        """Return the part of the modelled deviation of z that a cell with a kernel of ``shape`` errs by."""
        return next((part for *sizes, part in self.sums if tuple(sizes) == shape), 1.0)

    def factors(self, activation: Activation) -> tuple[float, float]:
        """Return (relative, absolute) in units u."""
        for name, relative, absolute in self.measured:
            if name == str(activation):
                return relative, absolute
        if activation.name in SELECTIONS:
            # The sum's own last rounding is the sum's; a parameter that is no float32 number is rounded once.
            finite = [abs(value) for _, value in activation.parameters if np.isfinite(value)]
            if activation.name == "leaky_relu":
                return 2.0, 0.0
            return (2.0 if any(finite) else 0.0), 2.0 * sum(finite)
        return RELATIVE, ABSOLUTE

    def of(
        self, activation: Activation, z: np.ndarray, value: np.ndarray, unit: float
    ) -> np.ndarray:
        """Return A for every element.

        Args:
            activation: which.
            z: where it was taken, float64.
            value: activation(z), float64.
            unit: unit roundoff of the arithmetic.
        """
        relative, absolute = self.factors(activation)
        size = np.abs(value)
        if activation.name in PRODUCTS or activation.name in self.carried:
            size = np.maximum(size, np.abs(z))
        if activation.name == "softmax":
            relative += np.sqrt(z.shape[-1])
        if activation.name == "log_softmax":
            absolute += np.sqrt(z.shape[-1])
        margin = unit * (relative * size + absolute) + self.stored * np.abs(value)
        if activation.name in SELECTIONS:
            # What is cut to 0 is 0, and errs by nothing.
            margin = np.where(value == 0, 0.0, margin)
        if activation.name in CLIPPED:
            margin = np.where((value == 0) | (value == 1), 0.0, margin)
        if activation.name == "sparsemax":
            # Its threshold is a sum of sums, and jumps: an error within it can change the support.
            inside = unit * z.shape[-1] * np.abs(z).max(axis=-1, keepdims=True, initial=0.0)
            margin = margin + change(activation, z, value, np.broadcast_to(inside, z.shape))
        return np.asarray(margin)


SAFETY = 1.5
"""A probe sees thousands of arguments; what it has not seen may be this much worse."""

SMALL = 2.0**-4
"""Values up to this size tell the absolute part of an envelope."""


def measured(
    activation: Activation, z: np.ndarray, shown: np.ndarray, unit: float
) -> tuple[float, float] | None:
    """Return (relative, absolute) from what a runtime showed at ``z``; None where it is no better than the default.

    Never wider than the default: a bad activation is a fault, and must not widen its own bound.

    Args:
        activation: which.
        z: float64, exactly what the runtime was given.
        shown: float64, what it gave.
        unit: unit roundoff of its arithmetic.
    """
    value = activation(z)
    size = np.maximum(np.abs(value), np.abs(z)) if activation.name in PRODUCTS else np.abs(value)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(shown - value) / unit
    known = np.isfinite(value) & (np.abs(value) < 1e30)
    if not np.isfinite(error[known]).all():
        return None
    small = known & (size <= SMALL)
    absolute = SAFETY * float(error[small].max(initial=0.0)) + 0.5
    rest = known & ~small
    relative = (
        SAFETY * float(np.max((error[rest] - absolute / SAFETY) / size[rest], initial=0.0)) + 1.0
    )
    if relative >= RELATIVE and absolute >= ABSOLUTE:
        return None
    return min(relative, RELATIVE), min(absolute, ABSOLUTE)


LEAST = 0.3
"""The least part: the float64 oracle may add in the very order of the runtime, and err as it does, at the sizes that
are probed, and in another at larger ones (0.18 gave false alarms at 300 features and 200 units)."""

GROUPS, KURTOSIS = 8, 6.0
"""Units are taken together in groups; the errors' kurtosis is 4.6, and 6 allows for few samples."""


def summing(error: np.ndarray, sigma: np.ndarray) -> float:
    """Return the part of the modelled deviation by which a runtime's sums err, LEAST to 1.

    The part of the worst group of units, and three standard errors of it more; 1 for code that adds from one
    end to the other. Never above 1: wrong sums are a fault, and must not widen their own bound.

    Args:
        error: shown - value of a linear cell's states, (..., units).
        sigma: modelled deviations, of its shape.
    """
    parts = np.divide(error, sigma, out=np.zeros_like(error), where=sigma > 0)
    found = [LEAST]
    for group in np.array_split(parts, min(GROUPS, parts.shape[-1]), axis=-1):
        if group.size:
            error_of_it = np.sqrt((KURTOSIS - 1) / (4 * group.size))
            found.append(np.sqrt(np.mean(np.square(group))) / WALK * (1 + 3 * error_of_it))
    return float(np.fmin(np.max(found), 1.0)) if parts.size else 1.0
