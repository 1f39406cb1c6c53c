"""The check that adapters make of their inputs: several products convert, broadcast or read past the end instead."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_export.runtimes.contract import Feeds, Slot
from rnn_export.runtimes.failures import Refused


def check(runtime: str, slots: Sequence[Slot], feeds: Feeds) -> dict[str, int]:
    """Check every feed against what the model states: dtype, rank, fixed sizes, and equal sizes for equal names.

    Args:
        runtime: its name, for the message.
        slots: the model's inputs; what they leave open is not checked.
        feeds: one array per slot.

    Returns:
        The size of every named axis, such as {"batch": 3, "time": 7}.

    Raises:
        Refused: the first that does not fit.
    """
    sizes: dict[str, int] = {}
    for slot in slots:
        array = feeds[slot.name]
        subject = f"runtime {runtime}: input {slot.name!r}"
        if slot.dtype is not None and array.dtype.name != slot.dtype:
            raise Refused(subject, expected=f"dtype {slot.dtype}", got=array.dtype.name)
        if not array.dtype.isnative:
            # Products take the bytes as they are.
            raise Refused(subject, expected="this machine's order of bytes", got="the other")
        if slot.shape is None:
            continue
        fits = len(slot.shape) == array.ndim
        for size, dim in zip(array.shape, slot.shape, strict=False):
            if isinstance(dim, str):
                fits &= sizes.setdefault(dim, size) == size
            elif dim is not None:
                fits &= dim == size
        if not fits:
            named = ", ".join(
                str(sizes.get(dim, dim)) if isinstance(dim, str) else str(dim) for dim in slot.shape
            )
            raise Refused(subject, expected=f"shape ({named})", got=str(array.shape))
    return sizes
