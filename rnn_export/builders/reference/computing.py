"""What one call computes: dispatch on the op, with everything it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from rnn_export.errors import NetworkError
from rnn_export.network import Call


@dataclass(frozen=True)
class Given:
    """What a call computes from.

    Args:
        call: the call; its dtype rounds weights and casts.
        inputs: values in Keras' order.
        mask: bool, or None.
        initial: initial states of a Recurrent; empty for zeros.
        dtype: the working dtype, float32 or float64.
    """

    call: Call
    inputs: tuple[np.ndarray, ...]
    mask: np.ndarray | None
    initial: tuple[np.ndarray, ...]
    dtype: np.dtype

    @property
    def x(self) -> np.ndarray:
        """The first (mostly the only) input."""
        return self.inputs[0]


@singledispatch
def compute(op: object, given: Given) -> tuple[np.ndarray, ...]:
    """Return the outputs of ``op``; every kind of op registers its own."""
    raise NetworkError(
        f"layer {given.call.layer!r}",
        expected="an op that the reference evaluates",
        got=type(op).__name__,
        advice="Register it in rnn_export.builders.reference.",
    )


def evaluate(
    call: Call,
    inputs: Sequence[np.ndarray],
    mask: np.ndarray | None = None,
    initial: Sequence[np.ndarray] = (),
    dtype: type[np.floating] | np.dtype = np.float32,
) -> tuple[np.ndarray, ...]:
    """Return what one call makes of its inputs.

    Args:
        call: the call; its own inputs, mask and initial states are not looked up, but given here.
        inputs: values in Keras' order; fractions in ``dtype``.
        mask: bool, where the call heeds one.
        initial: (batch, units) for each cell of a Recurrent; empty for zeros.
        dtype: the working dtype, float32 or float64. Weights are rounded to the call's dtype first.

    Returns:
        The outputs in the op's order; fractions in ``dtype``.

    Raises:
        NetworkError: tokens outside the table of an Embedding, or an op nobody registered.
    """
    given = Given(call, tuple(inputs), mask, tuple(initial), np.dtype(dtype))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        return compute(call.op, given)
