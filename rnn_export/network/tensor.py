"""Tensors by name: shape with symbolic axes, and dtype; no values."""

from __future__ import annotations

from dataclasses import dataclass

from rnn_export.errors import NetworkError

TensorId = str
Dim = int | str
"""A fixed size, or the name of an axis whose size is known when the model runs ("batch", "time")."""

BATCH = "batch"
TIME = "time"


@dataclass(frozen=True)
class Spec:
    """Shape and dtype of a tensor; dtype by NumPy's (or ml_dtypes') name, masks are "bool"."""

    shape: tuple[Dim, ...]
    dtype: str

    @property
    def rank(self) -> int:
        return len(self.shape)

    def fixed(self, axis: int, subject: str, what: str) -> int:
        """Return the size along ``axis``; raise NetworkError if it is symbolic."""
        size = self.shape[axis] if -self.rank <= axis < self.rank else None
        if not isinstance(size, int):
            raise NetworkError(
                subject,
                expected=f"a fixed number of {what} on axis {axis}",
                got=f"shape {show(self.shape)}",
                advice="Give the model's Input a full shape.",
            )
        return size


@dataclass(frozen=True)
class Tensor:
    """A named place that one call writes and others read."""

    id: TensorId
    spec: Spec


@dataclass(frozen=True)
class Port:
    """An input or output of the network: its public name (Keras' own, made unique) and its tensor."""

    name: str
    tensor: TensorId


def show(shape: tuple[Dim, ...]) -> str:
    """Write a shape as people do: ``(batch, time, 32)``."""
    return f"({', '.join(map(str, shape))})"


def same_dim(a: Dim, b: Dim) -> bool:
    """Tell whether two sizes can be equal when the model runs: only two different numbers cannot."""
    return a == b or isinstance(a, str) or isinstance(b, str)
