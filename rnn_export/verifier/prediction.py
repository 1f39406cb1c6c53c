"""What a network should give, and how far a correct runtime may be from it: the walk, with its predictions kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnn_export.network import Network, TensorId
from rnn_export.verifier.estimate import Estimate
from rnn_export.verifier.horizon import reach
from rnn_export.verifier.walk import Shown, Trail, _Walk


@dataclass(frozen=True)
class Expected:
    """What is expected of one output of a runtime that shows nothing else.

    Args:
        value: the float64 reference; as it is where the output holds no fractions.
        bound: of |output - value|, of value's shape; 0 for equality, infinite beyond the horizon.
        steps: verified steps along time, the least over the rows; None where everything is verified.
    """

    value: np.ndarray
    bound: np.ndarray
    steps: int | None


def expect(network: Network, feeds: Mapping[str, np.ndarray], seed: int = 0) -> dict[str, Expected]:
    """Return the reference and the global bound of every output, in the network's order.

    Args:
        network: what should be computed.
        feeds: input port to array.
        seed: of the sampled errors.

    Raises:
        NetworkError: feeds that do not fit the network.
    """
    _, predicted = watched(network, feeds, Shown({}, seed=seed))
    return {
        port.name: _expected(predicted[port.name], network.spec(port.tensor).dtype)
        for port in network.outputs
    }


def watched(
    network: Network, feeds: Mapping[str, np.ndarray], shown: Shown
) -> tuple[Trail, dict[str, Estimate]]:
    """Walk, and return what was predicted of each output port before it was compared.

    Raises:
        NetworkError: feeds that do not fit the network.
    """
    walk = _Watched(network, feeds, shown)
    return walk.go(), walk.predicted


class _Watched(_Walk):
    """The walk, remembering what it expects of the outputs."""

    def __init__(self, network: Network, feeds: Mapping[str, np.ndarray], shown: Shown) -> None:
        super().__init__(network, feeds, shown)
        self.predicted: dict[str, Estimate] = {}

    def _compare_ports(self, tensor: TensorId, layer: str) -> None:
        for port in self.network.outputs:
            if port.tensor == tensor:
                self.predicted[port.name] = self.known[tensor]
        super()._compare_ports(tensor, layer)


def _expected(estimate: Estimate, dtype: str) -> Expected:
    among, steps = reach(estimate, dtype)
    bound = estimate.error if among is None else np.where(among, estimate.error, np.inf)
    return Expected(estimate.value, np.broadcast_to(bound, estimate.value.shape), steps)
