"""Ops that look features up or mix them: Embedding and Dense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnn_export.network.activations import Activation
from rnn_export.network.ops.recurrent import expect_shape, one_input
from rnn_export.network.tensor import Spec
from rnn_export.network.weight import Weight


@dataclass(frozen=True)
class Embedding:
    """Rows of ``table`` (tokens, features) by index; float tokens are truncated to int32 first, as Keras does.

    Source: keras.layers.Embedding.
    """

    table: Weight

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        return (Spec((*one_input(inputs, subject).shape, self.table.shape[1]), dtype),)


@dataclass(frozen=True)
class Dense:
    """act(x kernel + bias) on the last axis; kernel (features, units). Source: keras.layers.Dense."""

    kernel: Weight
    bias: Weight | None
    activation: Activation

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        x = one_input(inputs, subject)
        features = x.fixed(-1, subject, "features")
        units = self.kernel.shape[-1]
        expect_shape(self.kernel, (features, units), f"{subject}, kernel")
        if self.bias is not None:
            expect_shape(self.bias, (units,), f"{subject}, bias")
        return (Spec((*x.shape[:-1], units), dtype),)
