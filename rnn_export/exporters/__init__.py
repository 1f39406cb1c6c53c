"""ONNX models from networks; needs NumPy and onnx alone."""

from rnn_export.exporters.exported import Exported
from rnn_export.exporters.exporter import export
from rnn_export.exporters.options import FORMS, Options

__all__ = ["FORMS", "Exported", "Options", "export"]
