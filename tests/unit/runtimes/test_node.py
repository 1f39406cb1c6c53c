"""The Node runtimes: a death of Node is a death of the worker, and float16 and integers keep their bits."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, helper

from rnn_export.runtimes import Crashed, OnnxFile, Unavailable, connect, node

PACKAGES = {"onnxruntime-node": "onnxruntime-node", "onnxruntime-web:wasm": "onnxruntime-web"}
NAMES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            shutil.which("node") is None or not (node.folder() / "node_modules" / package).is_dir(),
            reason=f"no Node with the npm package {package}",
        ),
    )
    for name, package in PACKAGES.items()
]


def identity(path: Path, kind: int) -> OnnxFile:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", kind, ["n"])],
        [helper.make_tensor_value_info("y", kind, ["n"])],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), str(path))
    return OnnxFile(path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "kind", [TensorProto.FLOAT16, TensorProto.INT64, TensorProto.BOOL, TensorProto.DOUBLE]
)
def test_dtypes_keep_their_bits(name: str, kind: int, tmp_path: Path) -> None:
    x = np.array([0, 1, 1], helper.tensor_dtype_to_np_dtype(kind))
    with (
        connect(name) as runtime,
        runtime.open(identity(tmp_path / "a.onnx", kind)) as session,
    ):
        y = session.run({"x": x})["y"]
    assert y.dtype == x.dtype
    assert np.array_equal(x, y)


@pytest.mark.parametrize("name", NAMES)
def test_a_death_of_node_is_the_workers(name: str, tmp_path: Path) -> None:
    with connect(name) as runtime:
        session = runtime.open(identity(tmp_path / "a.onnx", TensorProto.FLOAT))
        (worker,) = [each for each in psutil.Process().children() if each.children()]
        (child,) = worker.children()
        child.send_signal(signal.SIGABRT)
        with pytest.raises(Crashed) as caught:
            session.run({"x": np.zeros(1, np.float32)})
    assert caught.value.signal == "SIGABRT"


@pytest.mark.parametrize("name", NAMES)
def test_without_its_package_the_command_that_installs_it_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNN_EXPORT_NPM", str(tmp_path))
    with connect(name) as runtime:
        found = runtime.probe()
    assert isinstance(found, Unavailable)
    if shutil.which("node") is None:
        assert "nodejs" in found.install
    else:
        assert found.install == f"rnn-export doctor --install {name}"
        assert str(tmp_path) in found.reason


def test_the_cache_folder_follows_the_desktops_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RNN_EXPORT_NPM", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", f"{os.sep}cache")
    assert node.folder() == Path("/cache/rnn_export/npm")
