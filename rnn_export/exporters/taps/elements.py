"""Element types of a graph's values, read off the operators that make them.

Not by ONNX' own shape inference: it is native code that some graphs make abort, and the model is a stranger's.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

from onnx import NodeProto, TensorProto

from rnn_export.exporters.taps.walking import POINTWISE

_TRUTHS = frozenset(
    (
        "And",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "IsInf",
        "IsNaN",
        "Less",
        "LessOrEqual",
        "Not",
        "Or",
        "Xor",
    )
)
_KEEPING = POINTWISE | frozenset(
    """
    BatchNormalization Compress Concat CumSum DepthToSpace Dropout Einsum Expand Flatten GRU Gather GatherElements
    GatherND Gemm LSTM LayerNormalization MatMul Mean Pad RNN Reciprocal ReduceL1 ReduceL2 ReduceLogSum
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Reshape ReverseSequence
    ScatterElements ScatterND Slice Split Squeeze Sum Tile Transpose Trilu Unsqueeze
    """.split()  # noqa: SIM905
)
"""The type of what they make is that of their first input."""
# Of a Scan, the first state's: what a recurrence puts out is of its state's type.
_OTHER = {"Where": 1, "CastLike": 1, "OneHot": 2, "Scan": 0}
_TYPED = dict.fromkeys(_KEEPING, 0) | _OTHER
"""Which input's type is that of what an operator makes."""


def element(
    value: str, makers: Callable[[str], NodeProto | None], types: MutableMapping[str, int]
) -> int:
    """Return the element type of a value as ONNX' number, 0 if it cannot be told.

    Args:
        value: its name.
        makers: returns the node that makes a value, None for inputs and initializers.
        types: by name, of inputs and initializers; what is found on the way is added.
    """
    passed: list[str] = []
    found = 0
    while True:
        node = makers(value)
        if value in types or node is None:
            found = types.get(value, 0)
            break
        passed.append(value)
        # For now: a graph that goes round ends here.
        types[value] = 0
        if node.op_type in _TRUTHS:
            found = int(TensorProto.BOOL)
        elif node.op_type in ("Shape", "Size") or (
            node.op_type == "TopK" and value != node.output[0]
        ):
            found = int(TensorProto.INT64)
        elif node.op_type == "Cast":
            found = next((int(item.i) for item in node.attribute if item.name == "to"), 0)
        else:
            place = _TYPED.get(node.op_type, len(node.input))
            if place < len(node.input):
                value = node.input[place]
                continue
        break
    types.update((name, found) for name in passed)
    return found
