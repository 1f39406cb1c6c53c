"""Ops that keep every position in its place: activation, softmax, cast, normalisation, merges, masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rnn_export.errors import NetworkError
from rnn_export.network.activations import Activation
from rnn_export.network.ops.recurrent import expect_shape, one_input
from rnn_export.network.tensor import Dim, Spec, same_dim, show
from rnn_export.network.weight import Weight


@dataclass(frozen=True)
class Activate:
    """An activation as a layer; vector ones (softmax) act on ``axis``. A mask excludes entries of a softmax."""

    activation: Activation
    axis: int = -1

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        return (Spec(one_input(inputs, subject).shape, dtype),)


@dataclass(frozen=True)
class ParametricRelu:
    """x where x >= 0, alpha * x elsewhere; alpha of the input's shape without batch (1 on shared axes).

    Source: keras.layers.PReLU.
    """

    alpha: Weight

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        return (Spec(one_input(inputs, subject).shape, dtype),)


@dataclass(frozen=True)
class Cast:
    """The same numbers in another dtype (the call's dtype); Keras casts inputs to a layer's compute dtype."""

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        return (Spec(one_input(inputs, subject).shape, dtype),)


@dataclass(frozen=True)
class Affine:
    """x * scale + offset with scalars. Source: keras.layers.Rescaling."""

    scale: float
    offset: float

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        return (Spec(one_input(inputs, subject).shape, dtype),)


@dataclass(frozen=True)
class LayerNormalization:
    """(x - mean) / sqrt(var + epsilon) * gamma + beta over ``axes``. Source: keras.layers.LayerNormalization."""

    axes: tuple[int, ...]
    epsilon: float
    gamma: Weight | None
    beta: Weight | None

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        x = one_input(inputs, subject)
        for weight in (self.gamma, self.beta):
            if weight is not None:
                expect_shape(weight, tuple(x.shape[axis] for axis in self.axes), subject)
        return (Spec(x.shape, dtype),)


@dataclass(frozen=True)
class BatchNormalization:
    """(x - mean) / sqrt(var + epsilon) * gamma + beta with stored statistics along ``axis``.

    Source: keras.layers.BatchNormalization, at inference.
    """

    axis: int
    epsilon: float
    gamma: Weight | None
    beta: Weight | None
    mean: Weight
    variance: Weight

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        x = one_input(inputs, subject)
        for weight in (self.gamma, self.beta, self.mean, self.variance):
            if weight is not None:
                expect_shape(weight, (x.shape[self.axis],), subject)
        return (Spec(x.shape, dtype),)


@dataclass(frozen=True)
class Merge:
    """Several inputs into one, elementwise with NumPy's broadcasting.

    Source: keras.layers.Add, Subtract, Multiply, Average, Maximum, Minimum.
    """

    kind: Literal["add", "subtract", "multiply", "average", "maximum", "minimum"]

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        shape = inputs[0].shape
        for other in inputs[1:]:
            shape = broadcast(shape, other.shape, subject)
        return (Spec(shape, dtype),)


@dataclass(frozen=True)
class TokenMask:
    """True where the token is not 0. Source: keras.layers.Embedding(mask_zero=True).compute_mask."""

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        return (Spec(one_input(inputs, subject).shape, "bool"),)


@dataclass(frozen=True)
class ValueMask:
    """True where any feature differs from ``value``; (..., features) to (...). Source: keras.layers.Masking."""

    value: float

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        return (Spec(one_input(inputs, subject).shape[:-1], "bool"),)


@dataclass(frozen=True)
class ApplyMask:
    """x where the second input (a mask without the feature axis) is True, 0 elsewhere. Source: keras.layers.Masking."""

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        return (Spec(inputs[0].shape, dtype),)


@dataclass(frozen=True)
class CombineMasks:
    """Several masks into one: all True ("and"), any True ("or")."""

    kind: Literal["and", "or"]

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        shape = inputs[0].shape
        for other in inputs[1:]:
            shape = broadcast(shape, other.shape, subject)
        return (Spec(shape, "bool"),)


def broadcast(a: tuple[Dim, ...], b: tuple[Dim, ...], subject: str) -> tuple[Dim, ...]:
    """Return the shape of a and b together, aligned at the end (Keras aligns batch first: give equal ranks)."""
    wide, narrow = (a, b) if len(a) >= len(b) else (b, a)
    padded = (1,) * (len(wide) - len(narrow)) + narrow
    out: list[Dim] = []
    for p, q in zip(wide, padded, strict=True):
        if p == 1:
            out.append(q)
        elif q == 1 or p == q:
            out.append(p)
        elif same_dim(p, q):
            out.append(p if isinstance(p, int) else q)
        else:
            raise NetworkError(
                subject,
                expected="shapes that fit together",
                got=f"{show(a)} and {show(b)}",
            )
    return tuple(out)
