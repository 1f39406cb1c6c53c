"""Finds weights with NaN or infinite values and names them."""

from __future__ import annotations

from rnn_export.errors import ReadError
from rnn_export.network import Network, Weight
from rnn_export.readers.stored_weight import StoredWeight, first_nonfinite


def expect_finite(network: Network) -> None:
    """Raise ReadError, with the weight's name and the place, if any weight holds NaN or an infinity."""
    seen: set[int] = set()
    for path, weight in network.weights():
        if id(weight) in seen:
            continue
        seen.add(id(weight))
        place = _first(weight)
        if place is not None:
            raise ReadError(
                f"weight {path!r}",
                expected="finite values",
                got=f"NaN or an infinity at {list(place)}",
                advice="Train it again, or read it with allow_nonfinite=True (--allow-nonfinite).",
            )


def _first(weight: Weight) -> tuple[int, ...] | None:
    """Return the place of the first entry that is not finite."""
    if isinstance(weight, StoredWeight):
        return weight.nonfinite
    start = 0
    for block in weight.blocks():
        if (found := first_nonfinite(block, start)) is not None:
            return found
        start += block.shape[0]
    return None
