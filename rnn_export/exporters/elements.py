"""Element types: NumPy's names, ONNX' numbers, and the type in which a dtype's arithmetic is written."""

from __future__ import annotations

from onnx import TensorProto

from rnn_export.errors import ExportError
from rnn_export.network.dtypes import HALF

_NUMBERS: dict[str, int] = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "float64": TensorProto.DOUBLE,
    "bfloat16": TensorProto.BFLOAT16,
    "bool": TensorProto.BOOL,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
}


def number(dtype: str, subject: str = "dtype") -> int:
    """Return ONNX' number of an element type given by NumPy's (or ml_dtypes') name.

    Raises:
        ExportError: ONNX has no such type.
    """
    if dtype not in _NUMBERS:
        raise ExportError(subject, expected=f"one of {', '.join(_NUMBERS)}", got=dtype)
    return _NUMBERS[dtype]


def carrier(dtype: str) -> str:
    """Return the type in which values of ``dtype`` travel through the graph, and in which sums are done.

    The rule for dtypes: float32 and float64 are computed as they are. onnxruntime's CPU provider has no
    arithmetic in bfloat16 and, for float16, only what it makes itself by putting Casts around float32
    operators; so both travel as the float32 numbers they are, from a Cast at each input port to a Cast at
    each output port. Weights are rounded to the call's dtype and stored as float32; each call's results are
    rounded to its dtype; what happens inside a call (the steps of a recurrence) is float32, nearer to the
    exact numbers than Keras' own rounding after every operation. The RNN operator carries all but float64,
    for which there is no kernel: such calls take form scan.
    """
    return "float32" if dtype in HALF else dtype
