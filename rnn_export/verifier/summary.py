"""What a verdict says of its comparisons: the figures, the grounds, the bits shown, and a failed one in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, log2, sqrt

import numpy as np

from rnn_export.network import Network
from rnn_export.verifier.bounds.precision import UNITS
from rnn_export.verifier.bounds.products import SIGMAS
from rnn_export.verifier.comparing import Comparison
from rnn_export.verifier.verdicts import Outcome, Verdict


def summarize(network: Network, comparisons: Sequence[Comparison], time: int | None) -> Verdict:
    """Return a PASS with the figures of all comparisons; it covers ``time`` steps where none of them says how many."""
    compared = [found for found in comparisons if found.elements]
    steps = [found.steps for found in comparisons if found.steps is not None]
    if not compared:
        return Verdict(Outcome.PASS, verified_steps=min(steps, default=None))
    worst = max(compared, key=lambda found: found.ratio)
    return Verdict(
        Outcome.PASS,
        model=_model(compared),
        max_ratio=worst.ratio,
        max_abs_error=max(found.error for found in compared),
        effective_bits=effective_bits(network, compared),
        verified_steps=min(steps) if steps else time,
        where=worst.where,
        compared=tuple((found.subject, found.ratio) for found in compared),
    )


def _model(compared: Iterable[Comparison]) -> str:
    """Return the weakest grounds that the verdict stands on."""
    used = {found.model for found in compared}
    return next(model for model in ("global", "probabilistic", "exact") if model in used)


def beyond(found: Comparison) -> str:
    """Return a failed comparison in words."""
    place = found.where
    parts = [
        f"{name} {value}"
        for name, value in (("step", place.step), ("unit", place.unit), ("row", place.row))
        if value is not None
    ]
    at = f" at {', '.join(parts)}" if parts else ""
    if found.model == "exact":
        return f"{found.subject} should be equal to what it is made of, and differs{at}"
    times = f"{found.ratio:.3g} times" if np.isfinite(found.ratio) else "not comparably near"
    return f"{found.subject} lies outside its bound{at} ({found.beyond} elements, at most {times} the bound)"


def effective_bits(network: Network, compared: Iterable[Comparison]) -> float | None:
    """Return the bits of arithmetic that the errors show: -log2(u rms(error) / rms(predicted deviation)).

    Local comparisons count where there are any: in them alone errors do not pile up.
    """
    for model in ("probabilistic", "global"):
        chosen = [found for found in compared if found.model == model and found.squares[1] > 0]
        error = sum(found.squares[0] for found in chosen)
        bound = sum(found.squares[1] for found in chosen)
        if chosen and 0 < error < inf and 0 < bound < inf:
            dtypes = [call.dtype for call in network.recurrent()] or [
                call.dtype for call in network.calls
            ]
            unit = max(UNITS.get(dtype, UNITS["float32"]) for dtype in dtypes)
            return -log2(unit) - log2(sqrt(error) / (sqrt(bound) / SIGMAS))
    return None
