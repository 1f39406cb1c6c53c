"""What all verdicts of a report rest on: how much its inputs show, and how far the float64 reference can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rnn_export.network import Network
from rnn_export.verifier.audit import Audit, audit
from rnn_export.verifier.inputs.coverage import controls
from rnn_export.verifier.inputs.designing import EVERY_TOKEN, InputSet


@dataclass(frozen=True)
class Grounds:
    """What inputs and reference are worth.

    Args:
        coverage: part of the weights that the most telling input exercises, 0 to 1.
        attributes: how many of the network are away from plain forward tanh: a direction, a mask, a bias.
        unnoticed: those of them that could be lost without any of the inputs' outputs changing.
        oracle: the reference against itself in another order of summation, on the longest input.
    """

    coverage: float
    attributes: int
    unnoticed: tuple[str, ...]
    oracle: Audit

    def to_json(self) -> dict[str, Any]:
        """Return the grounds as the report's JSON states them."""
        return asdict(self)


def grounds(network: Network, sets: Sequence[InputSet]) -> Grounds | None:
    """Return the grounds of a network's input sets; None where none can pass a verdict.

    Raises:
        NetworkError: sets of another network.
    """
    telling = [item for item in sets if not item.idle and item.kind != EVERY_TOKEN]
    if not telling:
        return None
    noticed: dict[str, bool] = {}
    for item in sorted(telling, key=_samples):
        for control in controls(network, item.feeds):
            name = f"{control.attribute} of {control.path}"
            noticed[name] = noticed.get(name, False) or control.noticed
        if all(noticed.values()):
            break
    longest = max(telling, key=_samples)
    return Grounds(
        max(item.coverage for item in sets),
        len(noticed),
        tuple(name for name, seen in noticed.items() if not seen),
        audit(network, longest.feeds),
    )


def _samples(item: InputSet) -> int:
    return item.batch * (item.time or 1)
