"""Which form a recurrent call takes: the one asked for, or scan where that one cannot carry it."""

from __future__ import annotations

from rnn_export.exporters.options import Options
from rnn_export.exporters.recurrent.activations import native
from rnn_export.network import Call
from rnn_export.network.ops import Recurrent

# onnxruntime's CPU provider has the RNN operator in these; bfloat16 travels as float32.
_NATIVE_DTYPES = ("float32", "float16", "bfloat16")


def choose(call: Call, op: Recurrent, options: Options) -> tuple[str, str | None]:
    """Return the form of a call, and a remark for the user if it is not the one asked for."""
    if options.form == "rnn":
        reason = obstacle(call, op)
        if reason is not None:
            return "scan", f"layer {call.layer!r} is written as Scan: {reason}"
    return options.form, None


def obstacle(call: Call, op: Recurrent) -> str | None:
    """Return why the RNN operator cannot carry ``call``, or None if it can."""
    if call.dtype not in _NATIVE_DTYPES:
        return f"onnxruntime's CPU provider has no RNN operator in {call.dtype}"
    for cell in op.cells:
        if native(cell.activation) is None:
            return f"the RNN operator has no activation {cell.activation}"
    return None
