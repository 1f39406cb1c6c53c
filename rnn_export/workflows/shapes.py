"""What the time of a network's recurrent layers depends on, beside batch and time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rnn_export.network import Network
from rnn_export.network.ops import Cell, Recurrent


@dataclass(frozen=True)
class Shape:
    """The recurrent layers of a network, as if all were alike.

    Args:
        layers: cells that run one after another.
        units: of a cell, such that the squares add up to the same.
        directions: 2 where most layers are bidirectional, else 1.
    """

    layers: int
    units: float
    directions: int


def shape_of(network: Network) -> Shape | None:
    """Return the shape of a network; None if it has no recurrent layer."""
    calls, cells = network.recurrent(), _cells(network)
    if not cells:
        return None
    # A pair of directions reads one input; two calls of a stack never do.
    pairs = len(calls) - len({call.inputs for call in calls})
    directions = 2 if 2 * pairs >= len(calls) - pairs else 1
    units = math.sqrt(sum(cell.units**2 for cell in cells) / len(cells))
    return Shape(max(1, round(len(cells) / directions)), units, directions)


def in_words(network: Network) -> str:
    """Return the recurrent layers in a few words: "3x64 of 32", "64+32 of 8", "64 both ways of 32"."""
    shape, cells = shape_of(network), _cells(network)
    if shape is None:
        return "no recurrent layer"
    both = " both ways" if shape.directions == 2 else ""
    units = [cell.units for cell in cells][:: shape.directions]
    alike = len(units) > 1 and len(set(units)) == 1
    text = f"{len(units)}x{units[0]}" if alike else "+".join(map(str, units))
    return f"{text}{both} of {cells[0].features}"


def _cells(network: Network) -> list[Cell]:
    ops = [call.op for call in network.recurrent()]
    return [cell for op in ops if isinstance(op, Recurrent) for cell in op.cells]
