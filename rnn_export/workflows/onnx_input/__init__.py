"""ONNX files from strangers: looked through and held against limits before any other part of the program sees them."""

from rnn_export.workflows.onnx_input.limits import OnnxLimits
from rnn_export.workflows.onnx_input.opening import OnnxInput, open_onnx

__all__ = ["OnnxInput", "OnnxLimits", "open_onnx"]
