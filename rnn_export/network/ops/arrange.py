"""Ops that move, repeat or pool values: reshaping, permuting, concatenation, global pooling over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from rnn_export.errors import NetworkError
from rnn_export.network.ops.recurrent import one_input
from rnn_export.network.tensor import Dim, Spec, same_dim, show


@dataclass(frozen=True)
class Reshape:
    """New axes after batch; at most one -1. Flatten is Reshape((-1,)). Source: keras.layers.Reshape, Flatten."""

    target: tuple[int, ...]

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        x = one_input(inputs, subject)
        known = prod(size for size in x.shape[1:] if isinstance(size, int))
        symbols = [size for size in x.shape[1:] if isinstance(size, str)]
        wanted = prod(size for size in self.target if size != -1)
        free = self.target.count(-1)
        exact = not symbols and (known == wanted if not free else wanted and known % wanted == 0)
        if free > 1 or not (exact or (symbols and free == 1)):
            raise NetworkError(
                subject,
                expected=f"{known} values to reshape",
                got=f"target {self.target}",
            )
        rest: Dim = (
            known // wanted
            if not symbols and free
            else "_x_".join([*symbols, f"{known}_by_{wanted}"])
        )
        if symbols and known == wanted and len(symbols) == 1:
            rest = symbols[0]
        return (
            Spec(
                (x.shape[0], *(rest if size == -1 else size for size in self.target)),
                dtype,
            ),
        )


@dataclass(frozen=True)
class Permute:
    """Axes after batch in another order, counted from 1; of all axes, where 0 is among them.

    Source: keras.layers.Permute; Keras 2's time_major for all axes.
    """

    order: tuple[int, ...]

    @property
    def whole(self) -> tuple[int, ...]:
        """The order of all axes, as NumPy and ONNX take it."""
        return self.order if 0 in self.order else (0, *self.order)

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        x = one_input(inputs, subject)
        if sorted(self.whole) != list(range(x.rank)):
            raise NetworkError(
                subject,
                expected=f"an order of axes 1 to {x.rank - 1}",
                got=str(self.order),
            )
        return (Spec(tuple(x.shape[axis] for axis in self.whole), dtype),)


@dataclass(frozen=True)
class Repeat:
    """(batch, features) to (batch, times, features). Source: keras.layers.RepeatVector."""

    times: int

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        x = one_input(inputs, subject)
        if x.rank != 2:
            raise NetworkError(subject, expected="an input (batch, features)", got=show(x.shape))
        return (Spec((x.shape[0], self.times, x.shape[1]), dtype),)


@dataclass(frozen=True)
class Flip:
    """The order along ``axis`` reversed."""

    axis: int

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        return (Spec(one_input(inputs, subject).shape, inputs[0].dtype),)


@dataclass(frozen=True)
class ExpandDims:
    """A new axis of size 1. Masks keep their dtype."""

    axis: int

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        x = one_input(inputs, subject)
        at = self.axis % (x.rank + 1)
        return (Spec((*x.shape[:at], 1, *x.shape[at:]), x.dtype),)


@dataclass(frozen=True)
class Concatenate:
    """Inputs side by side along ``axis``. Source: keras.layers.Concatenate."""

    axis: int

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        rank = inputs[0].rank
        axis = self.axis % rank
        shape = list(inputs[0].shape)
        for other in inputs[1:]:
            if other.rank != rank:
                raise NetworkError(
                    subject, expected=f"inputs of rank {rank}", got=show(other.shape)
                )
            for k, size in enumerate(other.shape):
                if k == axis:
                    continue
                if not same_dim(shape[k], size):
                    raise NetworkError(
                        subject,
                        expected=f"equal sizes on axis {k}",
                        got=f"{shape[k]} and {size}",
                    )
                shape[k] = shape[k] if isinstance(shape[k], int) else size
        sizes = [spec.shape[axis] for spec in inputs]
        numbers = [size for size in sizes if isinstance(size, int)]
        shape[axis] = sum(numbers) if len(numbers) == len(sizes) else "_plus_".join(map(str, sizes))
        kind = inputs[0].dtype if inputs[0].dtype == "bool" else dtype
        return (Spec(tuple(shape), kind),)


@dataclass(frozen=True)
class Pool:
    """The average or maximum over time (axis 1); the average heeds a mask.

    Source: keras.layers.GlobalAveragePooling1D, GlobalMaxPooling1D.
    """

    kind: Literal["average", "max"]
    keepdims: bool = False

    def infer(self, inputs: Sequence[Spec], dtype: str, subject: str) -> tuple[Spec, ...]:
        x = one_input(inputs, subject)
        if x.rank != 3:
            raise NetworkError(
                subject, expected="an input (batch, time, features)", got=show(x.shape)
            )
        middle: tuple[Dim, ...] = (1,) if self.keepdims else ()
        return (Spec((x.shape[0], *middle, x.shape[2]), dtype),)
