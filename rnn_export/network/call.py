"""A call: one use of one layer. A shared layer is called twice and makes two calls with the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rnn_export.network.tensor import Spec, TensorId


class Op(Protocol):
    """What a call computes: a frozen dataclass of plain data, Activations and Weights."""

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        """Return the outputs' specs for these inputs and compute dtype.

        Raises:
            NetworkError: shapes or weights that do not fit, with ``subject`` as its subject.
        """
        ...


@dataclass(frozen=True)
class Call:
    """One use of a layer.

    Args:
        path: "encoder/rnn#0": layer path and the number of the call; names every tap and every finding.
        op: what it computes.
        inputs: tensors in Keras' order.
        outputs: tensors it makes, in the op's order.
        dtype: the dtype it computes in ("float32"; weights may be stored in another).
        mask: bool tensor (batch, time), where the op heeds one; True means valid.
        initial: initial states of a Recurrent, one per cell, each (batch, units); empty for zeros.
        hints: how Keras spelled the layer where that cannot change inference (class, dropout, unroll,
            regularizers, ...), for builders that restore it. Not part of the network's digest.
    """

    path: str
    op: Op
    inputs: tuple[TensorId, ...]
    outputs: tuple[TensorId, ...]
    dtype: str = "float32"
    mask: TensorId | None = None
    initial: tuple[TensorId, ...] = ()
    hints: tuple[tuple[str, object], ...] = field(default=(), compare=False)

    @property
    def layer(self) -> str:
        """The layer's path without the number of the call."""
        return self.path.rpartition("#")[0]

    @property
    def reads(self) -> tuple[TensorId, ...]:
        """Every tensor the call depends on."""
        return self.inputs + self.initial + ((self.mask,) if self.mask is not None else ())
