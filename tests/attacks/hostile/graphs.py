"""ONNX graphs that have no end, no order, or operators that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from rnn_export.exporters import export
from rnn_export.readers import read
from tests.attacks.hostile.listing import CORPUS, hostile

FILE = "model.onnx"


@cache
def _exported() -> bytes:
    data: bytes = export(read(CORPUS / "sequential.keras")).model.SerializeToString(
        deterministic=True
    )
    return data


def exported() -> ModelProto:
    """Return the ONNX model of the sequential model in the corpus."""
    model = ModelProto()
    model.ParseFromString(_exported())
    return model


def written(folder: Path, change: Callable[[ModelProto], object]) -> None:
    """Write that model with something changed."""
    model = exported()
    change(model)
    (folder / FILE).write_bytes(model.SerializeToString())


def _bytes(folder: Path, data: bytes) -> None:
    (folder / FILE).write_bytes(data)


def _body(nodes: list[NodeProto], end: str) -> GraphProto:
    return helper.make_graph(
        nodes, "body", [], [helper.make_tensor_value_info(end, TensorProto.FLOAT, None)]
    )


def _delimited(field: int, data: bytes) -> bytes:
    """One field of Protobuf: its number, its length, its bytes."""
    number, size = field << 3 | 2, b""
    length = len(data)
    while length > 127:
        size += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number]) + size + bytes([length]) + data


@hostile("an empty file", "an empty file", FILE)
def onnx_empty(folder: Path) -> None:
    _bytes(folder, b"")


@hostile("text in place of a model", "other bytes", FILE)
def onnx_text(folder: Path) -> None:
    _bytes(folder, b"#!/bin/sh\ntouch escaped\n")


@hostile("the first half of a model", "expected", FILE)
def onnx_half(folder: Path) -> None:
    _bytes(folder, _exported()[: len(_exported()) // 2])


@hostile("a pickle", "other bytes", FILE)
def onnx_pickle(folder: Path) -> None:
    _bytes(folder, b"\x80\x04cposix\nsystem\n(X\x0d\x00\x00\x00touch escapedtR.")


@hostile("a link to a device without an end", "a device or a pipe", FILE)
def onnx_device(folder: Path) -> None:
    (folder / FILE).symlink_to("/dev/zero")


@hostile("3 GB of nothing, which take no room on the disk", "bytes", FILE)
def onnx_sparse_file(folder: Path) -> None:
    with (folder / FILE).open("wb") as file:
        file.truncate(3 * 2**30)


@hostile("2.5 million empty nodes in 5 MB: gigabytes once they are objects", "fields", FILE)
def onnx_empty_nodes(folder: Path) -> None:
    graph = _delimited(1, b"") * 2_500_000
    _bytes(folder, b"\x08\x0a" + _delimited(7, graph))


@hostile("messages 10,000 deep", "levels of nesting", FILE)
def onnx_deep_messages(folder: Path) -> None:
    data = b""
    for _ in range(2_000):
        # Graph, its node, the node's attribute, the attribute's graph.
        data = _delimited(1, _delimited(5, _delimited(6, data)))
    _bytes(folder, b"\x08\x0a" + _delimited(7, data))


@hostile("32 bodies in one another, which is as deep as Protobuf goes", "levels of nesting", FILE)
def onnx_deep_bodies(folder: Path) -> None:
    node = helper.make_node("Identity", ["x"], ["end"])
    for _ in range(32):
        node = helper.make_node("If", ["x"], ["end"], then_branch=_body([node], "end"))
    written(folder, lambda model: model.graph.node.append(node))


@hostile("text that is no UTF-8", "other bytes", FILE)
def onnx_bad_text(folder: Path) -> None:
    node = _delimited(3, b"\xff\xfe\x80")
    _bytes(folder, b"\x08\x0a" + _delimited(7, _delimited(1, node)))


@hostile("a model without a graph", "other bytes", FILE)
def onnx_no_graph(folder: Path) -> None:
    written(folder, lambda model: model.ClearField("graph"))


@hostile("a version of the format from the far future", "an IR version", FILE)
def onnx_ir_future(folder: Path) -> None:
    written(folder, lambda model: setattr(model, "ir_version", 2**40))


@hostile("a negative version of the format", "an IR version", FILE)
def onnx_ir_negative(folder: Path) -> None:
    written(folder, lambda model: setattr(model, "ir_version", -1))


@hostile("opset 2^40", "an opset of 1 to", FILE)
def onnx_opset_giant(folder: Path) -> None:
    written(folder, lambda model: setattr(model.opset_import[0], "version", 2**40))


@hostile("opset -1", "an opset of 1 to", FILE)
def onnx_opset_negative(folder: Path) -> None:
    written(folder, lambda model: setattr(model.opset_import[0], "version", -1))


@hostile("no opset", "an opset of 1 to", FILE)
def onnx_opset_missing(folder: Path) -> None:
    written(folder, lambda model: model.ClearField("opset_import"))


@hostile("two nodes that wait for each other", "a graph without loops", FILE)
def onnx_loop(folder: Path) -> None:
    def change(model: ModelProto) -> None:
        model.graph.node.append(helper.make_node("Add", ["x", "b"], ["a"], name="one"))
        model.graph.node.append(helper.make_node("Tanh", ["a"], ["b"], name="two"))

    written(folder, change)


@hostile("a node that waits for itself", "a graph without loops", FILE)
def onnx_loop_of_one(folder: Path) -> None:
    written(folder, lambda model: model.graph.node.append(helper.make_node("Tanh", ["a"], ["a"])))


@hostile("a body that waits for what its own node makes", "a graph without loops", FILE)
def onnx_loop_through_a_body(folder: Path) -> None:
    body = _body([helper.make_node("Tanh", ["a"], ["inside"])], "inside")
    node = helper.make_node("If", ["x"], ["a"], then_branch=body, else_branch=body)
    written(folder, lambda model: model.graph.node.append(node))


@hostile("a value that two nodes make", "values with one maker", FILE)
def onnx_two_makers(folder: Path) -> None:
    written(folder, lambda model: model.graph.node.append(model.graph.node[0]))


@hostile("a value that nobody makes", "inputs that something makes", FILE)
def onnx_no_maker(folder: Path) -> None:
    written(
        folder, lambda model: model.graph.node.append(helper.make_node("Tanh", ["gone"], ["a"]))
    )


@hostile("an output that nobody makes", "outputs that something makes", FILE)
def onnx_no_output(folder: Path) -> None:
    written(folder, lambda model: model.graph.output.add(name="gone"))


@hostile("an operator of somebody's own library", "the domain 'evil.example'", FILE)
def onnx_unknown_domain(folder: Path) -> None:
    node = helper.make_node("Run", ["x"], ["a"], domain="evil.example")
    written(folder, lambda model: model.graph.node.append(node))


@hostile("such an operator within a body", "the domain 'evil.example'", FILE)
def onnx_unknown_domain_inside(folder: Path) -> None:
    body = _body([helper.make_node("Run", ["x"], ["inside"], domain="evil.example")], "inside")
    node = helper.make_node("If", ["x"], ["a"], then_branch=body, else_branch=body)
    written(folder, lambda model: model.graph.node.append(node))


@hostile(
    "Python code as an operator, as PyTorch and onnxruntime extensions have it", "the domain", FILE
)
def onnx_python_operator(folder: Path) -> None:
    node = helper.make_node("PyOp", ["x"], ["a"], domain="ai.onnx.contrib", code="import os")
    written(folder, lambda model: model.graph.node.append(node))


def _function(name: str, calls: list[str]) -> object:
    nodes = [
        helper.make_node(call, ["x"], [f"y{number}"], domain="own")
        for number, call in enumerate(calls)
    ]
    nodes.append(helper.make_node("Tanh", ["x"], ["y"]))
    return helper.make_function("own", name, ["x"], ["y"], nodes, [helper.make_opsetid("", 17)])


def _with_functions(folder: Path, functions: dict[str, list[str]]) -> None:
    def change(model: ModelProto) -> None:
        model.functions.extend(_function(name, calls) for name, calls in functions.items())
        model.opset_import.append(helper.make_opsetid("own", 1))
        model.graph.node.append(helper.make_node(next(iter(functions)), ["x"], ["a"], domain="own"))

    written(folder, change)


@hostile("two functions that call each other", "functions that do not call themselves", FILE)
def onnx_recursion(folder: Path) -> None:
    _with_functions(folder, {"f": ["g"], "g": ["f"]})


@hostile(
    "30 functions that each call the next twice: a billion nodes", "functions written out", FILE
)
def onnx_doubling_functions(folder: Path) -> None:
    calls = {f"f{number}": [f"f{number + 1}"] * 2 for number in range(30)}
    _with_functions(folder, calls | {"f30": []})


@hostile("a node whose name commands the terminal", "the domain", FILE)
def onnx_terminal_commands(folder: Path) -> None:
    node = helper.make_node(
        "Run", ["x"], ["a"], name="\x1b[2J\x1b]0;owned\x07\r\nPASS", domain="evil"
    )
    written(folder, lambda model: model.graph.node.append(node))
