"""Habits: the whole list of what Keras is known to do otherwise, on all of its backends or from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rnn_export.network import Activation, Call, Network
from rnn_export.network.ops import Activate, Dense, Recurrent
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


def _activations(call: Call) -> list[Activation]:
    op = call.op
    if isinstance(op, Recurrent):
        return [cell.activation for cell in op.cells]
    return [op.activation] if isinstance(op, (Activate, Dense)) else []


def _rounded_gelu(network: Network, shown: Shown) -> Shown | None:
    wide = [
        kind for call in network.calls if call.dtype == "float64" for kind in _activations(call)
    ]
    found = {str(kind) for kind in wide if kind.name == "gelu"}
    if not found:
        return None
    factor = ROUNDED_GELU / UNITS["float64"]
    measured = tuple((name, factor, factor) for name in sorted(found))
    return replace(shown, envelope=replace(shown.envelope, measured=measured))


def _cancelling_squareplus(network: Network, shown: Shown) -> Shown | None:
    kinds = [kind for call in network.calls for kind in _activations(call)]
    if not any(kind.name == "squareplus" for kind in kinds):
        return None
    return replace(shown, envelope=replace(shown.envelope, carried=("squareplus",)))


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
    Habit(
        frozenset({"keras:tensorflow", "keras:numpy", "keras:jax", "keras:torch"}),
        "Keras' squareplus adds to its argument a root as large: below 0 it is off by a rounding of the argument",
        _cancelling_squareplus,
    ),
)


def taken(network: Network, runtime: str, shown: Shown) -> Iterator[tuple[str, Shown]]:
    """Yield (reason, how what a runtime showed is to be taken) for each habit that applies, then for all together."""
    applying = [habit for habit in HABITS if habit.taken(network, runtime, shown) is not None]
    for habits in [[habit] for habit in applying] + ([applying] if len(applying) > 1 else []):
        other = shown
        for habit in habits:
            other = habit.taken(network, runtime, other) or other
        yield "; ".join(habit.reason for habit in habits), other
