"""The local defect of a cell: each step redone in float64 from the runtime's own previous state and own input.

Nothing accumulates along time, so neither its length nor chaotic weights matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnn_export.builders.reference.rounding import effective
from rnn_export.network import Activation
from rnn_export.network.ops import Cell, Dense
from rnn_export.verifier.bounds import products
from rnn_export.verifier.bounds.activation import change, overflows
from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.bounds.precision import LARGEST, Arithmetic


@dataclass(frozen=True)
class Affine:
    """Effective weights in float64: act(x kernel + h recurrent + bias).

    Args:
        kernel: (features, units).
        recurrent: (units, units), None for Dense.
        bias: (units,) or None.
        activation: as in Keras.
    """

    kernel: np.ndarray
    recurrent: np.ndarray | None
    bias: np.ndarray | None
    activation: Activation

    @staticmethod
    def of(op: Cell | Dense, dtype: str) -> Affine:
        """Return the weights as a call of ``dtype`` computes with them."""
        wide = np.dtype(np.float64)
        recurrent = effective(op.recurrent_kernel, dtype, wide) if isinstance(op, Cell) else None
        bias = None if op.bias is None else effective(op.bias, dtype, wide)
        return Affine(effective(op.kernel, dtype, wide), recurrent, bias, op.activation)

    def terms(self, x: np.ndarray, h: np.ndarray | None) -> list[products.Term]:
        """Return rows and matrices whose products make z."""
        made = [(products.rows(x), self.kernel)]
        if self.recurrent is not None and h is not None:
            made.append((products.rows(h), self.recurrent))
        return made


@dataclass
class Local:
    """What one application should have given, and how far from it a correct runtime may be.

    Args:
        affine: the weights.
        x: (..., features) float64.
        h: previous states (..., units), or None for Dense.
        arithmetic, envelope: of the runtime.
        x_error: bound on the error of ``x``, where it was predicted and not shown; None for none.
        added: (..., units) float64, x W + b where it comes from a table; x and the kernel then have no features.
    """

    affine: Affine
    x: np.ndarray
    h: np.ndarray | None
    arithmetic: Arithmetic
    envelope: Envelope
    x_error: np.ndarray | None = None
    added: np.ndarray | None = None

    @cached_property
    def _bias(self) -> np.ndarray | None:
        return self.affine.bias if self.added is None else products.rows(self.added)

    @cached_property
    def _terms(self) -> list[products.Term]:
        return self.affine.terms(self.x, self.h)

    @cached_property
    def z(self) -> np.ndarray:
        """The activation's argument, (..., units)."""
        made = products.total(self._terms, self._bias)
        return made.reshape(*self.x.shape[:-1], made.shape[-1])

    @cached_property
    def value(self) -> np.ndarray:
        """The state (or Dense output) in float64."""
        return self.affine.activation(self.z)

    @cached_property
    def sigma(self) -> np.ndarray:
        """Modelled standard deviation of the error of z; a cell's, as the runtime's own sums err."""
        flat = products.deviation(self._terms, self._bias, products.rows(self.z), self.arithmetic)
        part = 1.0 if self.h is None else self.envelope.part(self.affine.kernel.shape)
        return part * flat.reshape(self.z.shape)

    @cached_property
    def margin(self) -> np.ndarray:
        """The envelope A of the activation."""
        return self.envelope.of(self.affine.activation, self.z, self.value, self.arithmetic.unit)

    @cached_property
    def bound(self) -> np.ndarray:
        """The probabilistic bound on |shown - value|."""
        lost = sum(self.affine.kernel.shape) * self.arithmetic.lost
        return self._moved(products.SIGMAS * self.sigma + lost)

    def overflows(self, dtype: str) -> np.ndarray | None:
        """Return where a sum, or the activation, may leave the range of ``dtype`` on its way; None for nowhere."""
        size = products.size(self._terms, self._bias).reshape(self.z.shape)
        beyond = ~(size < LARGEST[dtype] * (1 - 2.0**-6))
        within = overflows(self.affine.activation, self.z, LARGEST[dtype])
        beyond = beyond if within is None else beyond | within
        return beyond if beyond.any() else None

    def rigorous(self) -> np.ndarray:
        """Return the deterministic bound on |shown - value|; rigorous but for the measured envelope."""
        flat = products.rigorous(self._terms, self._bias, self.arithmetic)
        return self._moved(flat.reshape(self.z.shape))

    def _moved(self, delta: np.ndarray) -> np.ndarray:
        """Return the bound on the result where z is off by at most ``delta`` besides the input's error."""
        if self.x_error is not None:
            spread = products.rows(self.x_error) @ np.abs(self.affine.kernel)
            delta = delta + spread.reshape(delta.shape)
        if self.affine.activation.name == "sparsemax":
            # Errors before and within it cross an edge of its support together.
            delta = delta + self.margin
        moved = change(self.affine.activation, self.z, self.value, delta)
        return np.asarray(moved + self.margin)


def slopes(activation: Activation, z: np.ndarray) -> np.ndarray:
    """Return the derivative of a scalar activation."""
    if activation.name == "tanh":
        return np.asarray(1 - np.square(activation(z)))
    if activation.name == "linear":
        return np.ones_like(z)
    step = np.maximum(np.abs(z), 1.0) * 2.0**-20
    return np.asarray((activation(z + step) - activation(z - step)) / (2 * step))
