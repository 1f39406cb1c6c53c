"""What shape inference knows of a model's values, without carrying large weights through it."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, helper

# Shape inference reads constants such as axes and shapes; none of them is larger.
_SMALL = 4096


def light(model: ModelProto) -> ModelProto:
    """Return a copy whose large or external initializers are inputs of the same name, type and shape."""
    old = model.graph
    graph = GraphProto(name=old.name)
    graph.node.extend(old.node)
    graph.input.extend(old.input)
    graph.output.extend(old.output)
    graph.value_info.extend(old.value_info)
    graph.sparse_initializer.extend(old.sparse_initializer)
    given = {item.name for item in old.input}
    for tensor in old.initializer:
        if len(tensor.raw_data) <= _SMALL and tensor.data_location != TensorProto.EXTERNAL:
            graph.initializer.append(tensor)
        elif tensor.name not in given:
            graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    made = ModelProto(
        ir_version=model.ir_version,
        producer_name=model.producer_name,
        producer_version=model.producer_version,
        domain=model.domain,
        model_version=model.model_version,
        graph=graph,
        opset_import=model.opset_import,
        functions=model.functions,
    )
    made.metadata_props.extend(model.metadata_props)
    return made


def inferred(model: ModelProto) -> Mapping[str, ValueInfoProto]:
    """Return type and shape of every value of the main graph, as far as they can be told."""
    graph = onnx.shape_inference.infer_shapes(light(model)).graph
    return {info.name: info for info in (*graph.input, *graph.value_info, *graph.output)}
