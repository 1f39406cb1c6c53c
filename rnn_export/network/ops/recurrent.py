"""The recurrent op: one or more SimpleRNN cells run over time, h_t = act(x_t W + h_{t-1} R + b)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnn_export.errors import NetworkError
from rnn_export.network.activations import Activation
from rnn_export.network.tensor import Dim, Spec, show
from rnn_export.network.weight import Weight

EMITS = ("sequence", "output", "state")


@dataclass(frozen=True)
class Cell:
    """One SimpleRNNCell, weights in Keras layout.

    Args:
        name: the cell's Keras name; "" for a layer's only cell.
        kernel: (features, units).
        recurrent_kernel: (units, units); h_{t-1} multiplies it from the left.
        bias: (units,), or None.
        activation: Keras' ``activation``.
    """

    name: str
    kernel: Weight
    recurrent_kernel: Weight
    bias: Weight | None
    activation: Activation

    @property
    def features(self) -> int:
        return self.kernel.shape[0]

    @property
    def units(self) -> int:
        return self.kernel.shape[1]


@dataclass(frozen=True)
class Recurrent:
    """SimpleRNN, or RNN over one or several SimpleRNNCells.

    Args:
        cells: in order; each takes the one before it as input, all advance together in time.
        emits: which outputs the call has, in this order: "sequence" (batch, time, units of the last cell),
            "output" (its last step), "state" (one (batch, units) per cell).
        go_backwards: time runs from the end to the beginning.
        time_order: the sequence comes out in time order even when time runs backwards (as Bidirectional
            returns its backward half); otherwise in the order of processing, as Keras' SimpleRNN does.
        zero_output_for_mask: masked steps put out 0 instead of repeating the previous output.

    Mask (batch, time): a masked step keeps every state, and repeats the previous output (0 before the first
    valid one).

    Source: keras.layers.SimpleRNN, keras.layers.RNN, keras.layers.StackedRNNCells (Keras 3.15).
    """

    cells: tuple[Cell, ...]
    emits: tuple[str, ...] = ("output",)
    go_backwards: bool = False
    time_order: bool = False
    zero_output_for_mask: bool = False

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        x = one_input(inputs, subject)
        if x.rank != 3:
            raise NetworkError(
                subject, expected="an input (batch, time, features)", got=show(x.shape)
            )
        width: Dim = x.shape[2]
        for cell in self.cells:
            self._check(cell, width, subject)
            width = cell.units
        batch, time = x.shape[:2]
        made: list[Spec] = []
        for emit in self.emits:
            if emit == "sequence":
                made.append(Spec((batch, time, width), dtype))
            elif emit == "output":
                made.append(Spec((batch, width), dtype))
            elif emit == "state":
                made.extend(Spec((batch, cell.units), dtype) for cell in self.cells)
            else:
                raise NetworkError(subject, expected=f"emits among {EMITS}", got=repr(emit))
        return tuple(made)

    @staticmethod
    def _check(cell: Cell, width: Dim, subject: str) -> None:
        name = f"{subject}/{cell.name}" if cell.name else subject
        units = cell.recurrent_kernel.shape[-1]
        expect_shape(cell.recurrent_kernel, (units, units), f"{name}, recurrent_kernel")
        expect_shape(cell.kernel, (width, units), f"{name}, kernel")
        if cell.bias is not None:
            expect_shape(cell.bias, (units,), f"{name}, bias")


def one_input(inputs: Sequence[Spec], subject: str) -> Spec:
    """Return the only input, or raise NetworkError."""
    if len(inputs) != 1:
        raise NetworkError(subject, expected="one input", got=f"{len(inputs)}")
    return inputs[0]


def expect_shape(weight: Weight, shape: tuple[Dim, ...], subject: str) -> None:
    """Raise NetworkError unless the weight has this shape."""
    if weight.shape != shape:
        raise NetworkError(
            subject,
            expected=f"shape {show(shape)}",
            got=show(weight.shape),
            advice="The weights do not belong to this configuration.",
        )
