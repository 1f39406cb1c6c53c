"""Layers that join several tensors into one, with the say that Keras gives their masks."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rnn_export.errors import ReadError
from rnn_export.network import TensorId
from rnn_export.network.ops import (
    Affine,
    ApplyMask,
    Cast,
    Concatenate,
    ExpandDims,
    Merge,
    ValueMask,
)
from rnn_export.readers.layers.entry import Entry
from rnn_export.readers.layers.joining import Kind, joined_mask, one_mask
from rnn_export.readers.policy import FLOATS, INTEGERS
from rnn_export.readers.use import Use
from rnn_export.readers.values import Structure, Value

_Merge = Literal["add", "subtract", "multiply", "average", "maximum", "minimum"]
_KINDS: dict[str, _Merge] = {
    "Add": "add",
    "Subtract": "subtract",
    "Multiply": "multiply",
    "Average": "average",
    "Maximum": "maximum",
    "Minimum": "minimum",
}

# Integers on which Keras does not stay in their dtype (uint64 becomes uint32, and an average float64 or, of small
# integers, a sum that wrapped around), or for which onnxruntime has no kernel.
_ODD: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Add", "Subtract", "Multiply"), ("uint64",)),
    **dict.fromkeys(("Maximum", "Minimum"), ("int16", "uint16", "uint64")),
    "Average": INTEGERS,
}


def _inputs(use: Use) -> list[Value]:
    """Return the inputs in one dtype and one rank: Keras puts new axes after batch."""
    found = use.several()
    if not found or (use.layer.kind == "Subtract" and len(found) != 2):
        raise ReadError(use.subject, expected="two inputs", got=f"{len(found)}")
    dtypes = {use.spec(value).dtype for value in found}
    if dtypes & set(FLOATS):
        found = [use.cast(value, part=f"cast_{index}") for index, value in enumerate(found)]
    elif len(dtypes) > 1 or "bool" in dtypes:
        raise ReadError(use.subject, expected="numbers of one dtype", got=", ".join(sorted(dtypes)))
    elif dtypes & set(_ODD[use.layer.kind]):
        raise ReadError(
            use.subject,
            expected="float inputs",
            got=dtypes.pop(),
            advice="Declare the Input with dtype='float32'.",
        )
    rank = max(use.spec(value).rank for value in found)
    made = []
    for index, value in enumerate(found):
        for _ in range(rank - use.spec(value).rank):
            (tensor,) = use.emit(ExpandDims(1), [value], part=f"expand_{index}")
            value = replace(value, tensor=tensor)
        made.append(value)
    return made


def _merged(use: Use) -> list[Value]:
    found = _inputs(use)
    dtype = use.spec(found[0]).dtype
    masked = any(value.mask is not None for value in use.several()) and not use.lowering.keras2
    if masked and use.layer.kind == "Multiply":
        return [_masked_product(use, found, dtype)]
    if masked and use.layer.kind in ("Maximum", "Minimum"):
        return [_masked_extreme(use, found, dtype)]
    (tensor,) = use.emit(Merge(_kind(use)), found, dtype=dtype)
    return [Value(tensor)]


def _masked_product(use: Use, found: list[Value], dtype: str) -> Value:
    """Multiply with 1 in the place of what is masked, and 0 where all are. Source: keras.layers.Multiply."""
    factors = []
    for index, value in enumerate(found):
        if value.mask is not None:
            ones = _unmasked(use, value.mask, dtype, f"{index}")
            value = _select(use, value, value.mask, ones, dtype, f"{index}")
        factors.append(value)
    (product,) = use.emit(Merge("multiply"), factors, dtype=dtype)
    held = [value.mask for value in found if value.mask is not None]
    if len(held) < len(found):
        return Value(product)
    mask = _any(use, held)
    (tensor,) = use.emit(ApplyMask(), [Value(product), Value(mask)], dtype=dtype, part="masked")
    return Value(tensor, mask)


def _masked_extreme(use: Use, found: list[Value], dtype: str) -> Value:
    """Take masked entries out of a maximum or minimum. Source: keras.layers.Merge._apply_merge_op_and_or_mask."""
    held, mask = found[0], found[0].mask
    for index, value in enumerate(found[1:], start=1):
        right = value
        if value.mask is not None:
            right = _select(use, value, value.mask, held, dtype, f"right_{index}")
        if mask is not None:
            held = _select(use, held, mask, right, dtype, f"left_{index}")
        mask = (
            _any(use, [mask, value.mask]) if mask is not None and value.mask is not None else None
        )
        (tensor,) = use.emit(
            Merge(_kind(use)), [held, right], dtype=dtype, part="" if index == 1 else f"{index}"
        )
        held = Value(tensor)
    return Value(held.tensor, mask)


def _select(use: Use, value: Value, mask: TensorId, other: Value, dtype: str, part: str) -> Value:
    """Return ``value`` where the mask is True and ``other`` elsewhere, exactly: one of the two summands is 0."""
    numbers = _unmasked(use, mask, dtype, part)
    (flipped,) = use.emit(ValueMask(0.0), [numbers], dtype=dtype, part=f"flipped_{part}")
    (kept,) = use.emit(ApplyMask(), [value, Value(mask)], dtype=dtype, part=f"kept_{part}")
    (filled,) = use.emit(ApplyMask(), [other, Value(flipped)], dtype=dtype, part=f"filled_{part}")
    (tensor,) = use.emit(
        Merge("add"), [Value(kept), Value(filled)], dtype=dtype, part=f"chosen_{part}"
    )
    return Value(tensor)


def _unmasked(use: Use, mask: TensorId, dtype: str, part: str) -> Value:
    """Return 0 where the mask is True and 1 elsewhere, with a last axis of size 1."""
    (numbers,) = use.emit(Cast(), [Value(mask)], dtype=dtype, part=f"mask_number_{part}")
    (wide,) = use.emit(ExpandDims(-1), [Value(numbers)], dtype=dtype, part=f"mask_wide_{part}")
    (ones,) = use.emit(Affine(-1.0, 1.0), [Value(wide)], dtype=dtype, part=f"unmasked_{part}")
    return Value(ones)


def _any(use: Use, held: list[TensorId]) -> TensorId:
    return one_mask(use.lowering.writer, f"{use.path}/mask", held, "or")


def _any_mask(use: Use, previous: Structure) -> list[TensorId | None]:
    """Return where any input is valid; no mask if one input has none. Source: keras.layers.Merge.compute_mask.

    Keras 2 asked for all that are masked instead.
    """
    held = [value.mask for value in use.several()]
    known = [mask for mask in held if mask is not None]
    if use.lowering.keras2:
        path = f"{use.path}/mask"
        return [one_mask(use.lowering.writer, path, known, "and")] if known else []
    return [_any(use, known)] if known and len(known) == len(held) else []


def _concatenate(use: Use) -> list[Value]:
    found = use.several()
    dtypes = {use.spec(value).dtype for value in found}
    if dtypes & set(FLOATS):
        found = [use.cast(value, part=f"cast_{index}") for index, value in enumerate(found)]
    elif len(dtypes) > 1:
        raise ReadError(use.subject, expected="inputs of one dtype", got=", ".join(sorted(dtypes)))
    rank = use.spec(found[0]).rank
    axis = _axis(use, rank)
    (tensor,) = use.emit(Concatenate(axis), found, dtype=use.spec(found[0]).dtype)
    return [Value(tensor)]


def _axis(use: Use, rank: int) -> int:
    axis = use.fields.integer("axis", -1)
    if not -rank <= axis < rank or axis % rank == 0:
        raise ReadError(use.subject, expected=f"an axis from 1 to {rank - 1}", got=str(axis))
    return axis % rank


def _concatenated_mask(use: Use, previous: Structure) -> list[TensorId | None]:
    found = use.several()
    axis = _axis(use, use.spec(found[0]).rank)
    kind: Kind = "and" if use.lowering.keras2 else "or"
    return [joined_mask(use.lowering.writer, f"{use.path}/mask", found, axis, kind)]


def _kind(use: Use) -> _Merge:
    return _KINDS[use.layer.kind]


TABLE = {
    **{kind: Entry(_merged, mask=_any_mask) for kind in _KINDS},
    "Concatenate": Entry(_concatenate, mask=_concatenated_mask),
}
