"""Runtimes are found by name, without importing them."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from rnn_export.errors import RnnExportError
from rnn_export.runtimes import Options, UnknownRuntime, connect, find, names
from rnn_export.runtimes.contract import Runtime
from rnn_export.runtimes.table import TABLE, interpreter_variable, split


@pytest.mark.parametrize("name", TABLE)
def test_every_built_in_runtime_is_where_the_table_says_and_bears_its_name(name: str) -> None:
    module, _, attribute = find(name).partition(":")
    runtime: Runtime = getattr(importlib.import_module(module), attribute)
    assert runtime.name == name
    assert runtime.precisions[0] == "float32"


def test_the_callers_process_imports_no_product() -> None:
    heavy = {"onnx", "onnxruntime", "keras", "tensorflow", "torch", "jax", "openvino", "psutil"}
    script = f"""
import sys
from rnn_export.runtimes import connect, names
assert "keras:torch" in names()
connect("onnxruntime:cpu")
print(*(sys.modules.keys() & {heavy}))
"""
    command = [sys.executable, "-c", script]
    imported = subprocess.run(command, check=True, capture_output=True, text=True)
    assert imported.stdout.split() == []


def test_names_begin_with_the_built_in_ones() -> None:
    assert names()[: len(TABLE)] == tuple(TABLE)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("onnxruntime:gpu", "onnxruntime:cpu or onnxruntime:cuda"),
        ("tensorflow", "keras:tensorflow"),
        ("openvino", "openvino:cpu"),
        ("keras:pytorch", "keras:torch"),
    ],
)
def test_an_unknown_name_lists_the_near_ones(name: str, near: str) -> None:
    with pytest.raises(UnknownRuntime, match=near) as caught:
        find(name)
    assert isinstance(caught.value, RnnExportError)
    assert "numpy" in caught.value.expected


def test_an_unknown_name_is_noticed_on_connecting() -> None:
    with pytest.raises(UnknownRuntime):
        connect("no such thing")


def test_a_precision_may_follow_the_name() -> None:
    assert split("openvino:cpu@default") == ("openvino:cpu", "default")
    assert find("openvino:cpu@default") == TABLE["openvino:cpu"]
    assert connect("openvino:cpu@default").options == Options(precision="default")


def test_an_interpreter_is_pointed_at_by_the_runtimes_name() -> None:
    assert interpreter_variable("keras:jax") == "RNN_EXPORT_INTERPRETER_KERAS_JAX"
    assert interpreter_variable("onnx-reference@default") == "RNN_EXPORT_INTERPRETER_ONNX_REFERENCE"


@pytest.mark.parametrize(
    "wrong",
    [{"threads": 0}, {"time_limit": 0.0}, {"time_limit": float("nan")}, {"memory_limit": 0}],
)
def test_options_without_meaning_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Options(**wrong)  # type: ignore[arg-type]
