"""`inspect` tells what is in an ONNX file, bodies and external data included, and refuses other bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rnn_export.errors import ReadError
from rnn_export.workflows.inspected import OnnxFacts
from rnn_export.workflows.inspecting import inspect

LOOP = """
<ir_version: 10, opset_import: ["" : 17], producer_name: "me", producer_version: "2",
 metadata_props: ["form": "loop"]>
made (float[batch, time, 3] x) => (float[batch, time, 3] y)
<float[3] w = {1.0, 2.0, 3.0}>
{
    many = Constant <value = int64 {5}> ()
    go = Constant <value = bool {1}> ()
    wide = Add (x, w)
    y = Loop (many, go, wide) <body = inner (int64 i, bool c, float[batch, time, 3] h)
        => (bool d, float[batch, time, 3] k) { d = Identity (c) k = Tanh (h) }>
}
"""


def facts(path: Path) -> OnnxFacts:
    found = inspect(path)
    assert isinstance(found, OnnxFacts)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "loop.onnx"
    onnx.save(onnx.parser.parse_model(LOOP), path)
    return path


def test_ports_opset_producer_and_metadata_are_told(file: Path) -> None:
    found = facts(file)
    assert [(port.name, port.shape, port.dtype) for port in found.inputs] == [
        ("x", ("batch", "time", 3), "float32")
    ]
    assert [port.name for port in found.outputs] == ["y"]
    assert found.opsets == {"": 17}
    assert found.ir_version == 10
    assert found.producer == "me 2"
    assert found.metadata == {"form": "loop"}


def test_nodes_of_bodies_stand_after_their_node(file: Path) -> None:
    nodes = facts(file).nodes
    assert [node.op for node in nodes] == [
        "Constant",
        "Constant",
        "Add",
        "Loop",
        "Identity",
        "Tanh",
    ]
    loop = nodes[3]
    assert [node.inside for node in nodes[3:]] == ["", loop.name, loop.name]


def test_parameters_are_all_initializers_and_constants(file: Path) -> None:
    found = facts(file)
    assert found.parameters == 3 + 1 + 1
    assert found.weight_bytes == 3 * 4 + 8 + 1


def with_external(folder: Path, *places: str) -> Path:
    """A model that reads a tensor of 16 bytes from each of these files."""
    weights = [numpy_helper.from_array(np.zeros(4, np.float32), place) for place in places]
    for tensor, place in zip(weights, places, strict=True):
        onnx.external_data_helper.set_external_data(tensor, place)
        tensor.ClearField("raw_data")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    node = helper.make_node("Sum", ["x", *places], ["y"])
    model = helper.make_model(helper.make_graph([node], "g", [x], [y], weights))
    folder.mkdir()
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return folder / "m.onnx"


def test_external_data_is_told_with_its_size(tmp_path: Path) -> None:
    file = with_external(tmp_path / "inner", "w.data", "gone.data")
    (tmp_path / "inner" / "w.data").write_bytes(bytes(16))
    found = facts(file)
    assert found.external == {"w.data": 16, "gone.data": None}
    assert found.weight_bytes == 2 * 16


def test_external_data_outside_the_folder_is_refused_though_it_is_there(tmp_path: Path) -> None:
    file = with_external(tmp_path / "inner", "../outside.data")
    (tmp_path / "outside.data").write_bytes(bytes(16))
    with pytest.raises(ReadError, match="external data in the folder of the model"):
        inspect(file)


@pytest.mark.parametrize("data", [b"", b"\x00", b"not a model at all", b"\x08\x0a", b"PK\x03\x04"])
def test_other_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(ReadError, match="expected an ONNX model"):
        inspect(tmp_path / "m.onnx")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    for name in ("missing.onnx", "folder.onnx"):
        with pytest.raises(ReadError, match="expected an ONNX file"):
            inspect(tmp_path / name)
