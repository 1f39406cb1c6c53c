"""The input sets of a network, designed once for all runtimes that take the same sizes."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_export.network import Network
from rnn_export.verifier import InputSet, design
from rnn_export.verifier.grounds import Grounds, grounds


class Designs:
    """Designs input sets when first asked for.

    Args:
        network: what they are for.
        seed: of the inputs.
    """

    def __init__(self, network: Network, seed: int) -> None:
        self._network = network
        self._seed = seed
        self._made: dict[tuple[object, ...], tuple[InputSet, ...]] = {}

    def sets(self, padding: str, pinned: Mapping[str, int]) -> tuple[InputSet, ...]:
        """Return the sets for files that assume ``padding`` and fix the sizes ``pinned``."""
        key = (padding, *sorted(pinned.items()))
        if key not in self._made:
            self._made[key] = design(self._network, seed=self._seed, padding=padding, pinned=pinned)
        return self._made[key]

    def grounds(self) -> Grounds | None:
        """Return what the sets that were run show; None where none were."""
        made = next(iter(self._made.values()), ())
        return grounds(self._network, made)
