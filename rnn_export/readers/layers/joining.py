"""Several masks into one, by the rules of Keras' Merge and Concatenate layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from rnn_export.errors import ReadError
from rnn_export.network import TensorId
from rnn_export.network.ops import CombineMasks, Concatenate, ValueMask
from rnn_export.readers.values import Value

if TYPE_CHECKING:
    from rnn_export.readers.writer import Writer

# Nothing equals NaN: a ValueMask for it is True everywhere. One object, so that equal masks are found to be equal.
_NAN = float("nan")


Kind = Literal["and", "or"]


def one_mask(writer: Writer, path: str, held: Sequence[TensorId], kind: Kind) -> TensorId:
    """Return where any ("or") or all ("and") of the masks are True; pair by pair, as Keras does."""
    mask = held[0]
    for other in held[1:]:
        if other != mask:
            (mask,) = writer.call(path, CombineMasks(kind), [mask, other], dtype="bool")
    return mask


def joined_mask(
    writer: Writer, path: str, found: Sequence[Value], axis: int, kind: Kind
) -> TensorId | None:
    """Return the mask of tensors put side by side; one without a mask counts as valid. None: valid everywhere.

    Args:
        writer: what is being written.
        path: the path of the mask's calls.
        found: the tensors, with their masks.
        axis: along which they are joined.
        kind: where they lie side by side in features, whether any or all must be valid.

    Source: keras.layers.Concatenate.compute_mask.
    """
    held = [value.mask for value in found]
    known = [mask for mask in held if mask is not None]
    rank = writer.spec(found[0].tensor).rank
    if any(writer.spec(mask).rank != rank - 1 for mask in known):
        raise ReadError(
            f"layer {path!r}", expected="masks without a feature axis", got="one with all axes"
        )
    if not known:
        return None
    if axis % rank == rank - 1:
        # Side by side in features; an unmasked part is always valid.
        if kind == "or" and len(known) < len(held):
            return None
        return one_mask(writer, path, known, kind)
    parts = [
        mask if mask is not None else _valid(writer, path, value)
        for mask, value in zip(held, found, strict=True)
    ]
    return writer.call(path, Concatenate(axis % rank), parts, dtype="bool")[0]


def _valid(writer: Writer, path: str, value: Value) -> TensorId:
    """Return a mask that is True everywhere."""
    return writer.call(f"{path}/valid", ValueMask(_NAN), [value.tensor], dtype="")[0]
