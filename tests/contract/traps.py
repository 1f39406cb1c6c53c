"""Right files that some runtime computes wrongly without a word: the catalogue of what must never pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper

from rnn_export.builders import stacked
from rnn_export.exporters import export
from rnn_export.exporters.adjusting import adjusted_model
from rnn_export.network import Draft, Network, Source, activation
from rnn_export.network.ops import Cell, Concatenate, Recurrent, Repeat
from rnn_export.verifier import Outcome
from rnn_export.workflows.matrix.result import Tried
from rnn_export.workflows.matrix.trying import Inputs, Trials
from rnn_export.workflows.subjects import opened
from tests.mutants.surgery import attribute

BATCH, TIME, FEATURES, UNITS = 3, 7, 4, 5

WRONG = frozenset({Outcome.FAIL})
REFUSED = frozenset({Outcome.UNSUPPORTED})


@dataclass(frozen=True)
class Trap:
    """A right file.

    Args:
        network: what it is.
        file: makes it.
        caught: runtime to the verdicts of which one must fall; the error is silent where they are FAIL.
        control: a runtime that computes it rightly: the file is right.
        fixed: sizes that it has for good.
        padding: what it promises.
        extra: of the runtime's options.
    """

    network: Callable[[], Network]
    file: Callable[[Network], ModelProto]
    caught: Mapping[str, frozenset[Outcome]]
    control: str = "onnxruntime:cpu"
    fixed: Mapping[str, int] = field(default_factory=dict)
    padding: str = "any"


def layer(**options: object) -> Callable[[], Network]:
    """Return a maker of a network of one small layer that returns sequences."""

    def make() -> Network:
        made: Network = stacked(
            [UNITS],
            FEATURES,
            bias_initializer="uniform",
            return_sequences=True,
            **options,  # type: ignore[arg-type]
        )
        return made

    return make


def last_state() -> Network:
    """One layer whose last state is put out as a sequence of one step: (1, 1, units), as Y_h is for one row."""
    (call,) = layer()().recurrent()
    assert isinstance(call.op, Recurrent)
    draft = Draft()
    x = draft.input("x", ("batch", "time", FEATURES), "float32")
    made = draft.call("rnn", Recurrent(call.op.cells, ("output",)), [x])
    draft.output("last", *draft.call("last", Repeat(1), made))
    return draft.finish(Source("python", "last state"))


def put_out_by_the_node(network: Network) -> ModelProto:
    """Return the file of one row in which the RNN's Y_h is the output, with nothing between."""
    model = export(network, batch=1).model
    (node,) = [node for node in model.graph.node if node.op_type == "RNN"]
    assert not node.output[0]
    node.output[1] = model.graph.output[0].name
    kept = [each for each in model.graph.node if each.op_type in ("RNN", "Transpose")]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model


def native(network: Network) -> ModelProto:
    return export(network).model


def right_padded(network: Network) -> ModelProto:
    return export(network, padding="right").model


def scan_with_the_product_last(network: Network) -> ModelProto:
    model = export(network, form="scan", batch=BATCH, time=TIME).model
    return adjusted_model(model, ["Add(x, MatMul(h, R))"])


def comparing_with_less(network: Network) -> ModelProto:
    """Return the file in which what is greater on the left of a comparison is less on the right."""
    model = export(network, form="unrolled", batch=BATCH, time=TIME).model
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    turned = [
        node
        for node in model.graph.node
        if node.op_type == "Greater" and node.input[0] in constants
    ]
    assert turned
    for node in turned:
        node.op_type = "Less"
        node.input[:] = node.input[::-1]
    return model


def both_ways(forward: str, backward: str) -> Callable[[], Network]:
    """Return a maker of a Bidirectional whose directions have an activation each."""

    def make() -> Network:
        whole = layer(bidirectional="concat")()
        draft = Draft()
        x = draft.input("x", ("batch", "time", FEATURES), "float32")
        made: list[str] = []
        for call, kind in zip(whole.recurrent(), (forward, backward), strict=True):
            assert isinstance(call.op, Recurrent)
            (cell,) = call.op.cells
            cell = Cell("", cell.kernel, cell.recurrent_kernel, cell.bias, activation(kind))
            back = call.op.go_backwards
            op = Recurrent((cell,), ("sequence",), go_backwards=back, time_order=back)
            made += draft.call(call.layer, op, [x])
        draft.output("both", *draft.call("both", Concatenate(-1), made))
        return draft.finish(Source("python", "both"))

    return make


def one_node(**attributes: object) -> Callable[[Network], ModelProto]:
    """Return a maker of the file in which both directions are one RNN node with these activations."""

    def make(network: Network) -> ModelProto:
        alike = both_ways("tanh", "tanh")()
        model = export(alike).model
        (node,) = [node for node in model.graph.node if node.op_type == "RNN"]
        made = attribute(model, node.name, **attributes)
        del made.metadata_props[:]
        return made

    return make


def with_state() -> Network:
    """One layer with its state going in, its states and its last state coming out."""
    (call,) = layer()().recurrent()
    assert isinstance(call.op, Recurrent)
    draft = Draft()
    x = draft.input("x", ("batch", "time", FEATURES), "float32")
    h0 = draft.input("h0", ("batch", UNITS), "float32")
    op = Recurrent(call.op.cells, ("sequence", "state"))
    for tensor in draft.call("rnn", op, [x], initial=[h0]):
        draft.output("rnn", tensor)
    return draft.finish(Source("python", "with state"))


def batch_first(network: Network) -> ModelProto:
    """The RNN operator with layout 1: batch, then time, in all that it takes and gives."""
    (call,) = network.recurrent()
    assert isinstance(call.op, Recurrent)
    (cell,) = call.op.cells
    assert cell.bias is not None
    kernel, recurrent, bias = (w.read() for w in (cell.kernel, cell.recurrent_kernel, cell.bias))
    names = [port.name for port in network.outputs]
    held = {
        "W": kernel.T[None],
        "R": recurrent.T[None],
        "B": np.concatenate([bias, np.zeros_like(bias)])[None],
        "one": np.array([1]),
        "two": np.array([2]),
    }
    nodes = [
        helper.make_node("Unsqueeze", ["h0", "one"], ["h"]),
        helper.make_node(
            "RNN", ["x", "W", "R", "B", "", "h"], ["Y", "Y_h"], "rnn",
            hidden_size=UNITS, layout=1, activations=["Tanh"],
        ),
        helper.make_node("Squeeze", ["Y", "two"], [names[0]]),
        helper.make_node("Squeeze", ["Y_h", "one"], [names[1]]),
    ]  # fmt: skip

    def info(name: str, *shape: int | str) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "batch first",
        [info("x", "batch", "time", FEATURES), info("h0", "batch", UNITS)],
        [info(names[0], "batch", "time", UNITS), info(names[1], "batch", UNITS)],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in held.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def judged(
    trap: Trap, trials: Trials, folder: Path, fixed: Mapping[str, int] | None = None
) -> Tried:
    """Return what comes of a trap on a runtime."""
    from rnn_export.runtimes import OnnxFile

    network = trap.network()
    path = folder / "model.onnx"
    path.write_bytes(trap.file(network).SerializeToString())
    subject = opened(network, path, folder)
    inputs = Inputs(network, trap.padding)
    return trials.attempt(OnnxFile(path), subject, inputs, trap.fixed if fixed is None else fixed)


TRAPS = {
    "a Scan body that adds the product on the right, with fixed sizes": Trap(
        layer(),
        scan_with_the_product_last,
        {"openvino:cpu": WRONG},
        fixed={"batch": BATCH, "time": TIME},
    ),
    "sequence_lens with free sizes": Trap(
        layer(input_dim=11, mask_zero=True),
        right_padded,
        {
            "openvino:cpu": WRONG,
            "onnx-reference": WRONG,
            "mnn": WRONG,
            "tract": REFUSED,
        },
        padding="right",
    ),
    "the last state alone": Trap(
        last_state, put_out_by_the_node, {"mnn": WRONG}, fixed={"batch": 1}
    ),
    "a single reverse direction": Trap(
        layer(go_backwards=True), native, {"tract": WRONG, "mnn": WRONG}
    ),
    "the activation Relu": Trap(
        layer(activation="relu"), native, {"tract": WRONG, "mnn": WRONG, "onnx-reference": REFUSED}
    ),
    "the activation Sigmoid": Trap(
        layer(activation="sigmoid"),
        native,
        {"tract": WRONG, "mnn": WRONG, "onnx-reference": REFUSED},
    ),
    "the activation Affine": Trap(
        layer(activation="linear"), native, {"tract": WRONG, "mnn": WRONG}
    ),
    "clip": Trap(
        layer(activation="hard_tanh"),
        native,
        {"tract": WRONG, "mnn": WRONG, "onnx-reference": WRONG},
    ),
    "directions with different activations": Trap(
        both_ways("tanh", "relu"),
        one_node(activations=["Tanh", "Relu"]),
        {"openvino:cpu": WRONG, "tract": WRONG, "mnn": WRONG},
    ),
    "directions with different activations, one of them Affine": Trap(
        both_ways("linear", "tanh"),
        # One more of each than is taken: the reference evaluator wants as many as there are activations.
        one_node(
            activations=["Affine", "Tanh"],
            activation_alpha=[1.0, 0.0],
            activation_beta=[0.0, 0.0],
        ),
        {"onnx-reference": WRONG},
    ),
    "Less than a number below 0": Trap(
        layer(activation="soft_shrink"),
        comparing_with_less,
        {"mnn": WRONG},
        fixed={"batch": BATCH, "time": TIME},
    ),
    "layout 1": Trap(
        with_state,
        batch_first,
        {
            "openvino:cpu": WRONG | REFUSED,
            "mnn": WRONG | REFUSED,
            "onnxruntime:cpu": REFUSED,
            "onnxruntime-node": REFUSED,
            "onnxruntime-web:wasm": REFUSED,
        },
        control="onnx-reference",
    ),
}
"""What the file has in it, to the trap."""
