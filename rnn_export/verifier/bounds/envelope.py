"""The envelope A: how far a runtime's activation may lie from the true one, in units u of the arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_export.network import Activation

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
            # A parameter that is no float32 number is rounded once where the file states it.
            finite = [abs(value) for _, value in activation.parameters if np.isfinite(value)]
            return 2.0, 2.0 * sum(finite) if activation.name not in {
                "leaky_relu",
                "linear",
            } else 0.0
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
