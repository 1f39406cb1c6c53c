"""Habits: the whole list of what Keras is known to do otherwise from one of its backends to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rnn_export.network import Network
from rnn_export.network.ops import Activate, Dense, Recurrent
from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.bounds.precision import UNITS
from rnn_export.verifier.trail import Shown


@dataclass(frozen=True)
class Habit:
    """One known difference.

    Args:
        runtimes: who has it.
        reason: for the verdict.
        change: (network, what was shown) to how it is to be taken then; None where the network has no such part.
    """

    runtimes: frozenset[str]
    reason: str
    change: Callable[[Network, Shown], Shown | None]

    def taken(self, network: Network, runtime: str, shown: Shown) -> Shown | None:
        """Return how what a runtime showed is to be taken under this habit; None where it does not apply."""
        return self.change(network, shown) if runtime in self.runtimes else None


ROUNDED_GELU = 2.0**-27
"""How far gelu moves, of its argument's size, where the root of 2 in it is a float32 number: z phi(z) / z times
its relative error, 1.7e-8."""


def _leading_state(network: Network, shown: Shown) -> Shown | None:
    return replace(shown, leading_state=True)


def _rounded_gelu(network: Network, shown: Shown) -> Shown | None:
    found = set()
    for call in network.calls:
        op = call.op
        if call.dtype == "float64":
            kinds = [cell.activation for cell in op.cells] if isinstance(op, Recurrent) else []
            kinds += [op.activation] if isinstance(op, (Activate, Dense)) else []
            found |= {str(kind) for kind in kinds if kind.name == "gelu"}
    if not found:
        return None
    factor = ROUNDED_GELU / UNITS["float64"]
    wide = tuple((name, factor, factor) for name in sorted(found))
    return replace(shown, envelope=Envelope(wide, shown.envelope.stored, shown.envelope.sums))


HABITS = (
    Habit(
        frozenset({"keras:numpy", "keras:jax"}),
        "masked steps before the first valid one show the state here, and 0 on TensorFlow and PyTorch",
        _leading_state,
    ),
    Habit(
        frozenset({"keras:tensorflow"}),
        "TensorFlow's gelu has constants of float32 in float64 too: about 27 bits of it are right",
        _rounded_gelu,
    ),
)
