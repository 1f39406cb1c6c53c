"""Taps: extra outputs that show the recurrent states of any ONNX file, by surgery on the file itself."""

from rnn_export.exporters.taps.readings import CellTap, Count, Cut, Flip, Order, Reading, Take
from rnn_export.exporters.taps.tapping import Tapped, tap

__all__ = ["CellTap", "Count", "Cut", "Flip", "Order", "Reading", "Take", "Tapped", "tap"]
