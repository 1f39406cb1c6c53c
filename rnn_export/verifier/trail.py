"""What a walk is given to compare with, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rnn_export.network import Call, TensorId
from rnn_export.verifier.bounds.cell import Local
from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.comparing import Comparison
from rnn_export.verifier.observation import CellReading
from rnn_export.verifier.steps import Case, Steps


@dataclass(frozen=True)
class Shown:
    """What there is to compare with, and how it is to be taken.

    Args:
        outputs: port to array.
        cells: readings in the graph's order; none for a graph without taps.
        envelope: of the runtime.
        precision: an arithmetic coarser than the network's dtypes; "" for theirs.
        seed: of the sampled errors.
        leading_state: as for `emit`.
        last_step: (path of a call, step): take its state after that step of processing for its last one.
    """

    outputs: Mapping[str, np.ndarray]
    cells: tuple[CellReading, ...] = ()
    envelope: Envelope = field(default_factory=Envelope)
    precision: str = ""
    seed: int = 0
    leading_state: bool = False
    last_step: tuple[str, int] | None = None


@dataclass(frozen=True)
class Tread:
    """A cell that showed its states: kept for the regression and the diagnosis."""

    case: Case
    steps: Steps
    local: Local


@dataclass
class Trail:
    """What the walk found, in the order of running."""

    comparisons: list[Comparison] = field(default_factory=list)
    treads: list[Tread] = field(default_factory=list)
    exercised: dict[str, bool] = field(default_factory=dict)
    """Cell path to whether a state other than zero ever met its recurrent kernel."""
    mixed: dict[TensorId, tuple[Call, Local]] = field(default_factory=dict)
    """Outputs of Dense calls whose inputs are known exactly."""
    time: int | None = None
    """Steps of the longest recurrent call; None without one."""
