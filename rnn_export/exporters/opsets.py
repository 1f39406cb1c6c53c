"""Which opsets can be written, and the IR version each file declares."""

from __future__ import annotations

from onnx import helper

from rnn_export.errors import ExportError

LOWEST, HIGHEST = 14, 26
DEFAULT = 17

# Runtimes in use read IR 10 at least; an older number would only forbid what they know.
_LOWEST_IR = 10


def ir_version(opset: int) -> int:
    """Return the IR version to declare for ``opset``: the oldest that knows it, and at least 10.

    onnx itself writes its newest (14 with onnx 1.23), which onnxruntime 1.31 refuses.

    Raises:
        ExportError: an opset outside 14 to 26, or newer than the installed onnx.
    """
    known = helper.OP_SET_ID_VERSION_MAP.get(("ai.onnx", opset))
    if not LOWEST <= opset <= HIGHEST or known is None:
        raise ExportError(
            "opset",
            expected=f"{LOWEST} to {HIGHEST}",
            got=str(opset),
            advice=f"{DEFAULT} runs on the most runtimes.",
        )
    return max(_LOWEST_IR, int(known))
