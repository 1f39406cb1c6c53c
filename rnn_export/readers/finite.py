"""Finds weights with NaN or infinite values and names them; one pass, in blocks."""

from __future__ import annotations

import numpy as np

from rnn_export.errors import ReadError
from rnn_export.network import Network, Weight


def expect_finite(network: Network) -> None:
    """Raise ReadError, with the weight's name and the place, if any weight holds NaN or an infinity."""
    seen: set[int] = set()
    for path, weight in network.weights():
        if id(weight) in seen:
            continue
        seen.add(id(weight))
        found = _first(weight)
        if found is not None:
            place, value = found
            raise ReadError(
                f"weight {path!r}",
                expected="finite values",
                got=f"{value} at {list(place)}",
                advice="Train it again, or read it with allow_nonfinite=True (--allow-nonfinite).",
            )


def _first(weight: Weight) -> tuple[tuple[int, ...], float] | None:
    """Return the place and value of the first entry that is not finite."""
    start = 0
    for block in weight.blocks():
        finite = np.isfinite(block)
        if not finite.all():
            row, *rest = (int(index) for index in np.argwhere(~finite)[0])
            return (start + row, *rest), float(block[(row, *rest)])
        start += block.shape[0]
    return None
