"""The operations that Keras 3 writes into a functional model for its masks: ``not_equal``, ``any``, ``logical_or``, ...

While a functional model is built, Keras computes each mask from symbolic tensors and records how. These records
are followed here only as far as masks need; where they say what the layers imply, they give the same tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnn_export.errors import ReadError
from rnn_export.network.ops import Cast, ExpandDims, TokenMask, ValueMask
from rnn_export.readers.fields import brief
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.layers.joining import joined_mask, one_mask
from rnn_export.readers.values import Structure, Value

if TYPE_CHECKING:
    from rnn_export.readers.writer import Writer

PREFIX = "keras.ops."
MODULES = ("keras.src.ops.numpy", "keras.src.ops.core", "keras.src.ops.nn")


@dataclass(frozen=True)
class Differs:
    """``x != number``, entry by entry."""

    value: Value
    number: float


@dataclass(frozen=True)
class Wide:
    """A mask repeated over the features of ``like``; None is True everywhere. ``like`` None: one feature."""

    mask: Value | None
    like: Value | None


@dataclass(frozen=True)
class Nowhere:
    """False everywhere, in the shape of a tensor."""

    like: Value


@dataclass(frozen=True)
class Joined:
    """Several repeated masks side by side."""

    parts: tuple[Wide, ...]
    axis: int


class Everywhere:
    """A mask that is True everywhere: as good as none."""


@dataclass(frozen=True)
class Operation:
    """One operation's place in the network, and its arguments."""

    writer: Writer
    layer: Layer
    path: str
    args: Sequence[Structure]

    def refuse(self) -> ReadError:
        """Return the error for an operation that is no part of a mask."""
        name = self.layer.kind.removeprefix(PREFIX)
        return ReadError(
            self.layer.subject,
            expected="a layer, or an operation on masks that Keras itself recorded",
            got=f"the operation {name} on {', '.join(brief(type(arg).__name__) for arg in self.args)}",
            advice="Use the layer for it (keras.layers.Add for x + y, Activation('relu') for ops.relu, ...).",
        )


def apply(operation: Operation) -> list[Structure]:
    """Return what an operation gives, as a mask in the making.

    Raises:
        ReadError: an operation that no mask needs.
    """
    made = OPERATIONS[operation.layer.kind.removeprefix(PREFIX)](operation)
    if made is None:
        raise operation.refuse()
    return [made]


def resolve(writer: Writer, value: Structure, path: str) -> Structure:
    """Return a mask in the making as a Value, None if it is True everywhere; anything else as it is."""
    if isinstance(value, Everywhere):
        return None
    if not isinstance(value, Differs):
        return value
    tensor = value.value.tensor
    if value.number == 0:
        (mask,) = writer.call(path, TokenMask(), [tensor], dtype="")
    else:
        dtype = writer.spec(tensor).dtype
        (wide,) = writer.call(f"{path}/expand", ExpandDims(-1), [tensor], dtype=dtype)
        (mask,) = writer.call(path, ValueMask(value.number), [wide], dtype="")
    return Value(mask)


def _not_equal(op: Operation) -> Structure | None:
    match op.args:
        case [Value() as value, bool() | int() | float() as number]:
            return Differs(value, float(number))
    return None


def _any(op: Operation) -> Structure | None:
    axis, keep = op.layer.fields.get("axis"), op.layer.fields.flag("keepdims")
    if axis not in (-1, [-1]) or keep or len(op.args) != 1:
        return None
    (given,) = op.args
    if isinstance(given, Differs):
        (mask,) = op.writer.call(op.path, ValueMask(given.number), [given.value.tensor], dtype="")
        return Value(mask)
    if isinstance(given, Wide):
        given = Joined((given,), -1)
    if isinstance(given, Joined):
        pairs = [(part.like, part.mask) for part in given.parts]
        if any(like is None for like, _ in pairs):
            return None
        values = [
            Value(like.tensor, None if mask is None else mask.tensor)
            for like, mask in pairs
            if like is not None
        ]
        joined = joined_mask(op.writer, op.path, values, given.axis, "or")
        return Everywhere() if joined is None else Value(joined)
    return None


def _logical_or(op: Operation) -> Structure | None:
    match op.args:
        case [Wide(mask, None), Nowhere(like)] | [Nowhere(like), Wide(mask, None)]:
            return Wide(mask, like)
    if len(op.args) != 2:
        return None
    pair = [resolve(op.writer, arg, op.path) for arg in op.args]
    if any(value is None for value in pair):
        return Everywhere()
    tensors = [value.tensor for value in pair if isinstance(value, Value) and _is_mask(op, value)]
    return Value(one_mask(op.writer, op.path, tensors, "or")) if len(tensors) == 2 else None


def _is_mask(op: Operation, value: Value) -> bool:
    return op.writer.spec(value.tensor).dtype == "bool"


def _expand_dims(op: Operation) -> Structure | None:
    (given,) = op.args if len(op.args) == 1 else (None,)
    if op.layer.fields.get("axis") != -1:
        return None
    if isinstance(given, Everywhere):
        return Wide(None, None)
    mask = resolve(op.writer, given, op.path)
    return Wide(mask, None) if isinstance(mask, Value) and _is_mask(op, mask) else None


def _like(op: Operation) -> Structure | None:
    match op.args:
        case [Value() as value] if op.layer.fields.get("dtype") == "bool":
            return Wide(None, value) if op.layer.kind.endswith("OnesLike") else Nowhere(value)
    return None


def _concatenate(op: Operation) -> Structure | None:
    match op.args:
        case [[*parts]] if parts and all(isinstance(part, Wide) for part in parts):
            held = tuple(part for part in parts if isinstance(part, Wide))
            return Joined(held, op.layer.fields.integer("axis", 0))
    return None


def _cast(op: Operation) -> Structure | None:
    match op.args:
        case [Value() as value]:
            dtype = op.layer.fields.text("dtype")
            if op.writer.spec(value.tensor).dtype == dtype:
                return value
            (tensor,) = op.writer.call(op.path, Cast(), [value.tensor], dtype=dtype)
            return Value(tensor)
    return None


OPERATIONS: dict[str, Callable[[Operation], Structure | None]] = {
    "Any": _any,
    "Cast": _cast,
    "Concatenate": _concatenate,
    "ExpandDims": _expand_dims,
    "LogicalOr": _logical_or,
    "NotEqual": _not_equal,
    "OnesLike": _like,
    "ZerosLike": _like,
}
