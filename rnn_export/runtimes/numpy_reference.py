"""The manual NumPy reference as a runtime: a network, run in plain loops, in float32 or float64.

A network that computes in float64 runs in float64, where the reference is the verifier's own oracle: it then
vouches for names, shapes and dtypes alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnn_export.runtimes import feeds as inputs_check
from rnn_export.runtimes.contract import (
    Available,
    Feeds,
    KerasFile,
    Kind,
    Model,
    OnnxFile,
    Options,
    Results,
    RunFacts,
    Session,
    Slot,
)

if TYPE_CHECKING:
    from rnn_export.network import Network, Port

NAME = "numpy"


@dataclass(frozen=True)
class NumpyReference:
    """builders.reference, always available."""

    name: str = NAME
    accepts: tuple[Kind, ...] = ("network",)
    precisions: tuple[str, ...] = ("float32", "float64")

    def probe(self) -> Available:
        return Available(np.__version__)

    def open(self, model: Model, options: Options) -> Session:
        if isinstance(model, (OnnxFile, KerasFile)):
            raise TypeError(f"expected a Network, got {model!r}")
        return NumpySession(model, options.precision)


class NumpySession:
    """A network with its weights, computed in float32 or float64; outputs come in the network's dtypes."""

    def __init__(self, network: Network, precision: str) -> None:
        self._network = network
        wide = any(call.dtype == "float64" for call in network.calls)
        self._dtype = np.dtype("float64" if wide else precision)
        self.inputs = tuple(_slot(network, port) for port in network.inputs)
        self.outputs = tuple(_slot(network, port) for port in network.outputs)
        self.facts = RunFacts(NAME, np.__version__, self._dtype.name)

    def run(self, feeds: Feeds) -> Results:
        from rnn_export.builders import reference
        from rnn_export.builders.reference.rounding import rounded

        inputs_check.check(NAME, self.inputs, feeds)
        made = reference.run(self._network, feeds, self._dtype)
        # Narrow networks compute in float32, and show what their outputs hold.
        return {slot.name: rounded(made[slot.name], str(slot.dtype)) for slot in self.outputs}

    def close(self) -> None:
        del self._network


def _slot(network: Network, port: Port) -> Slot:
    spec = network.spec(port.tensor)
    return Slot(port.name, spec.dtype, spec.shape)


runtime = NumpyReference()
