"""onnxruntime on one input of any dtype, bfloat16 included."""

from __future__ import annotations

import ctypes

import ml_dtypes
import numpy as np
import onnx
import onnxruntime

UNITS = {"float32": 2.0**-24, "float64": 2.0**-53, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Unit roundoffs."""


def ran(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """Run on one input; bfloat16, which NumPy does not know, goes in and out as raw memory."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    if x.dtype != ml_dtypes.bfloat16:
        return np.asarray(session.run(None, {"x": x})[0])
    binding = session.io_binding()
    given = onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(
        x.view(np.uint16), onnx.TensorProto.BFLOAT16
    )
    binding.bind_ortvalue_input("x", given)
    binding.bind_output(session.get_outputs()[0].name)
    session.run_with_iobinding(binding)
    made = binding.get_outputs()[0]
    if made.data_type() != "tensor(bfloat16)":
        return np.asarray(made.numpy())
    size = int(np.prod(made.shape())) * 2
    raw = ctypes.string_at(made.data_ptr(), size)
    return np.frombuffer(raw, ml_dtypes.bfloat16).reshape(made.shape())
