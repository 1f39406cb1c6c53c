"""What a preset is: a founding model by name, the shapes its notebook gives, and how to make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rnn_export.network import Network


@dataclass(frozen=True)
class Preset:
    """A named network.

    Args:
        name: as on the command line, "embedding-stack4".
        notebook: number of the founding notebook, 0 to 4.
        about: one line for people.
        batch: rows, as the notebook has them (or chosen, where it has none: ``about`` says so).
        time: steps, likewise.
        parameters: the number of weights.
        make: returns the network; weights are drawn anew each time, with the same bits.
    """

    name: str
    notebook: int
    about: str
    batch: int
    time: int
    parameters: int
    make: Callable[[], Network] = field(repr=False, compare=False)
