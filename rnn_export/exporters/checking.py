"""onnx.checker over every model before it is handed out, also where its weights are too large to be loaded."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import ModelProto, helper

from rnn_export.errors import ExportError
from rnn_export.exporters.elements import number
from rnn_export.exporters.stored import Stored, nbytes
from rnn_export.exporters.tensors import filled

# Up to here, all initializers together are checked with their values; above, large ones without.
_WHOLE_BYTES = 16 * 2**20
_LARGE_BYTES = 64 * 2**10


def check_graph(skeleton: ModelProto, stored: Mapping[str, Stored]) -> None:
    """Run ``onnx.checker`` with full_check on a model.

    Large initializers of a large model are declared as inputs for that: same name, type and shape.

    Args:
        skeleton: the model without its initializers.
        stored: its initializers.

    Raises:
        ExportError: the checker objects, in its words.
    """
    whole = sum(map(nbytes, stored.values())) <= _WHOLE_BYTES
    small = {name: item for name, item in stored.items() if whole or nbytes(item) < _LARGE_BYTES}
    model = filled(skeleton, small, {})
    for name, item in stored.items():
        if name not in small:
            info = helper.make_tensor_value_info(name, number(item.dtype), item.shape)
            model.graph.input.append(info)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(
            "model",
            expected="a graph that onnx.checker accepts",
            got=" ".join(str(error).split()),
            advice="This is a fault of rnn_export: please report it with the model's configuration.",
        ) from error
