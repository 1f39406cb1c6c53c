"""What a runtime showed in one case: all that a verdict rests on, plain arrays and facts; saved, the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rnn_export.network.activations import SELU_SCALE
from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.static import StaticFinding

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class CellReading:
    """What the taps of one recurrent node showed.

    Args:
        node: the node's name in the file.
        states: (time, batch, units), index t belonging to time index t of ``x``.
        x: (time, batch, features), the node's own input; None where the file does not show it.
        initial: (batch, units), the state the node starts from; None for zeros or not shown.
        lengths: (batch,), valid steps of each row; None for all.
        mask: (time, batch) bool, the steps that change the state in the node itself; None for all.
        added: (time, batch, units), x W + b as the node looks it up in a table; None where it does not, and with x.
        cell: the path of the cell that the file claims the node to be: a hint, never evidence.
        reverse: the node runs from the end of its time axis.
        scale: Keras' state is ``scale`` times the one read.
    """

    node: str
    states: np.ndarray
    x: np.ndarray | None = None
    initial: np.ndarray | None = None
    lengths: np.ndarray | None = None
    mask: np.ndarray | None = None
    added: np.ndarray | None = None
    cell: str | None = None
    reverse: bool = False
    scale: float = 1.0

    @property
    def factor(self) -> float:
        """``scale``, where it is selu's constant in the file's dtype: the constant itself."""
        near = abs(self.scale / SELU_SCALE - 1) < 2.0**-8
        return SELU_SCALE if near else self.scale


@dataclass(frozen=True)
class Facts:
    """Who ran what.

    Args:
        runtime: its name, such as "onnxruntime:cpu".
        version: of the product.
        form: of the file, "rnn" or "loop"; "" where the original source ran.
        precision: the arithmetic the runtime says was in force.
        placement: operator type to execution provider.
        file_digest: sha256 of the file that ran; "" if there was none.
        network_digest: of the network that the file is to equal.
        details: whatever else a reader of the report needs.
    """

    runtime: str
    version: str = ""
    form: str = ""
    precision: str = "float32"
    placement: Mapping[str, str] = field(default_factory=dict)
    file_digest: str = ""
    network_digest: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Observation:
    """One run of one model.

    Args:
        feeds: input port to array.
        shipped: output name to array, from the very file that is delivered.
        facts: who ran what.
        tapped: output port to array, from the tapped copy on the same runtime; None without one.
        cells: what the taps showed, in the order of the graph's nodes.
        envelope: error of the runtime's activations.
        static: what the weights in the file are; None where the check does not apply.
        seed: of the inputs.
    """

    feeds: Arrays
    shipped: Arrays
    facts: Facts
    tapped: Arrays | None = None
    cells: tuple[CellReading, ...] = ()
    envelope: Envelope = field(default_factory=Envelope)
    static: StaticFinding | None = None
    seed: int = 0
