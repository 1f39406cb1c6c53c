"""The envelope A: how far a runtime's activation may lie from the true one, in units u of the arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_export.network import Activation
from rnn_export.verifier.bounds.precision import UNITS

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
    """

    measured: tuple[tuple[str, float, float], ...] = ()
    stored: float = 0.0

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
        if activation.name in PRODUCTS:
            size = np.maximum(size, np.abs(z))
        if activation.name in {"softmax", "sparsemax"}:
            relative += np.sqrt(z.shape[-1])
        if activation.name == "log_softmax":
            absolute += np.sqrt(z.shape[-1])
        return np.asarray(unit * (relative * size + absolute) + self.stored * np.abs(value))


SAFETY = 2.0
"""A probe sees a few thousand arguments; what it has not seen may be this much worse."""

SMALL = 2.0**-4
"""Values up to this size tell the absolute part of an envelope."""


def measured(
    activation: Activation, z: np.ndarray, shown: np.ndarray
) -> tuple[float, float] | None:
    """Return (relative, absolute) from what a runtime showed at ``z``; None where it is no better than the default.

    Never wider than the default: a bad activation is a fault, and must not widen its own bound.

    Args:
        activation: which.
        z: float64, exactly what the runtime was given.
        shown: float64, what it gave, computed in float32.
    """
    value = activation(z)
    size = np.maximum(np.abs(value), np.abs(z)) if activation.name in PRODUCTS else np.abs(value)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(shown - value) / UNITS["float32"]
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
