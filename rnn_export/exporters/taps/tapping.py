"""tap: every recurrent state of a model as an output."""

from __future__ import annotations

from dataclasses import dataclass

from onnx import ModelProto

from rnn_export.exporters.taps.native import name_states, native_taps
from rnn_export.exporters.taps.readings import CellTap
from rnn_export.exporters.taps.scans import scan_taps
from rnn_export.exporters.taps.surgery import Surgery
from rnn_export.exporters.taps.unrolled import unrolled_taps


@dataclass(frozen=True)
class Tapped:
    """A model that also shows its recurrent states.

    Args:
        model: the copy with more outputs; the outputs it had come first, in their order.
        cells: what to read, in graph order; empty if no state was recognised.
    """

    model: ModelProto
    cells: tuple[CellTap, ...]


def tap(model: ModelProto) -> Tapped:
    """Return a copy of ``model`` whose recurrent states are outputs.

    Values that are in the graph are shown, nothing is computed anew: the optional Y of an RNN node gets a
    name, the body of a Scan one more output. Recurrences inside other control flow (Loop, If) are not found.

    Args:
        model: any ONNX model, ours or not. With external data, the copy refers to the same files.
    """
    surgery = Surgery(model)
    name_states(surgery)
    found: list[tuple[int, CellTap]] = list(unrolled_taps(surgery))
    for place, node in list(surgery.nodes("RNN")):
        found.extend((place, cell) for cell in native_taps(surgery, node))
    for place, node in list(surgery.nodes("Scan")):
        found.extend((place, cell) for cell in scan_taps(surgery, node))
    found.sort(key=lambda item: item[0])
    return Tapped(surgery.model, tuple(cell for _, cell in found))
