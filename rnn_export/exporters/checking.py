"""onnx.checker over every model before it is handed out, also where its weights are too large to be loaded."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import ModelProto, helper

from rnn_export.errors import ExportError
from rnn_export.exporters.tensors import Place

ADVICE = "This is a fault of rnn_export: please report it with the model's configuration."


def checked(model: ModelProto, places: Mapping[str, Place]) -> ModelProto:
    """Return ``model`` after ``onnx.checker`` with full_check.

    Tensors that lie in a data file which is not written yet are declared as inputs for the check: same name,
    type and shape.

    Raises:
        ExportError: the checker objects, in its words.
    """
    subject = model
    if places:
        subject = ModelProto()
        subject.CopyFrom(model)
        kept = [tensor for tensor in subject.graph.initializer if tensor.name not in places]
        for tensor in model.graph.initializer:
            if tensor.name in places:
                info = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
                subject.graph.input.append(info)
        del subject.graph.initializer[:]
        subject.graph.initializer.extend(kept)
    try:
        onnx.checker.check_model(subject, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(
            "model",
            expected="a graph that onnx.checker accepts",
            got=str(error).strip(),
            advice=ADVICE,
        ) from error
    return model
