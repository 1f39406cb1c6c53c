"""The manual NumPy reference as a runtime: a network, run in plain loops, in float32 or float64."""

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
    """A network with its weights; outputs come in the arithmetic's dtype, float32 or float64."""

    def __init__(self, network: Network, precision: str) -> None:
        self._network = network
        self._dtype = np.dtype(precision)
        self.inputs = tuple(_slot(network, port) for port in network.inputs)
        self.outputs = tuple(_slot(network, port) for port in network.outputs)
        self.facts = RunFacts(NAME, np.__version__, precision)

    def run(self, feeds: Feeds) -> Results:
        from rnn_export.builders import reference

        inputs_check.check(NAME, self.inputs, feeds)
        return dict(reference.run(self._network, feeds, self._dtype))

    def close(self) -> None:
        del self._network


def _slot(network: Network, port: Port) -> Slot:
    spec = network.spec(port.tensor)
    return Slot(port.name, spec.dtype, spec.shape)


runtime = NumpyReference()
