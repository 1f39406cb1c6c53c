"""The RNN cases of the ONNX standard's own suite: a network with a case's weights gives the case's numbers.

Both ways: what onnxruntime makes of each form of the network, and the standard's expected outputs, lie within the
verifier's bound; and the very nodes of the suite, as files of another tool, show their states to taps and pass.

Source: onnx/backend/test/case/node/rnn.py, run as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper
from onnx.backend.test.case import node as suite
from onnx.backend.test.case.node import rnn as _rnn  # noqa: F401  # makes its cases on import
from onnx.reference import ReferenceEvaluator

from rnn_export.exporters import FORMS, export
from rnn_export.exporters.taps import tap
from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import Cell, Recurrent
from rnn_export.verifier import Facts, Observation, Outcome, judge
from rnn_export.verifier.verdicts import FAILURES
from tests.unit.exporters.exact import run

# Collected in the suite's own way, every other operator's cases would be made as well.
CASES: dict[str, Any] = {
    case.name: case for case in suite._NodeTestCases if case.model.graph.node[0].op_type == "RNN"
}


def node_of(model: ModelProto) -> NodeProto:
    nodes: list[NodeProto] = list(model.graph.node)
    assert len(nodes) == 1
    return nodes[0]


def attributes(node: NodeProto) -> dict[str, Any]:
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}


class Standard:
    """A case as a network: x, batch first, to every output of the case that it names."""

    def __init__(self, name: str) -> None:
        self.model = CASES[name].model
        ((inputs, expected),) = CASES[name].data_sets
        self.node = node_of(self.model)
        self.given = dict(zip((i.name for i in self.model.graph.input), inputs, strict=True))
        found = attributes(self.node)
        self.layout = found.get("layout", 0)
        direction = found.get("direction", b"forward")
        self.backs = {b"forward": [False], b"reverse": [True]}.get(direction, [False, True])
        x = self.given[self.node.input[0]]
        self.x = x if self.layout else x.swapaxes(0, 1)
        # Y is (time, directions, batch, units), Y_h (directions, batch, units); layout 1 puts the batch first.
        self.expected: dict[str, np.ndarray] = {}
        for output, values in zip(
            [name for name in self.node.output if name], expected, strict=True
        ):
            order = {4: (2, 0, 1, 3) if not self.layout else (0, 1, 2, 3), 3: (0, 1, 2)}
            turned = np.transpose(values, order[values.ndim])
            for k in range(len(self.backs)):
                if values.ndim == 4:
                    self.expected[f"{output}/{k}"] = turned[:, :, k]
                else:
                    self.expected[f"{output}/{k}"] = turned[:, k] if self.layout else turned[k]

    @property
    def network(self) -> Network:
        draft = Draft()
        x = draft.input("x", ("batch", "time", self.x.shape[-1]), "float32")
        named = [name for name in self.node.output if name]
        emits = tuple(("sequence", "state")[name == "Y_h"] for name in named)
        made = []
        for k, back in enumerate(self.backs):
            op = Recurrent((self.cell(k),), emits, back, back)
            made.append(draft.call(f"rnn_{k}", op, [x]))
        for at, name in enumerate(named):
            for k, tensors in enumerate(made):
                draft.output(f"{name}/{k}", tensors[at])
        return draft.finish(Source("python", "standard"))

    def cell(self, direction: int) -> Cell:
        held = [self.given[name][direction] for name in self.node.input[1:4] if name]
        bias = None
        if len(held) > 2:
            units = held[1].shape[0]
            bias = ArrayWeight(held[2][:units] + held[2][units:])
        kernels = ArrayWeight(np.ascontiguousarray(held[0].T)), ArrayWeight(held[1].T.copy())
        return Cell("", *kernels, bias, activation("tanh"))

    def verdict(self, shown: dict[str, np.ndarray], form: str = "") -> Outcome:
        network = self.network
        facts = Facts("onnxruntime:cpu", form=form, network_digest=network.digest)
        return judge(network, Observation({"x": self.x}, shown, facts)).outcome

    def exercises(self) -> bool:
        """Tell whether a state is ever multiplied: a case of one step from zeros cannot pass, only fail."""
        return bool(self.x.shape[1] > 1)


def test_the_suite_has_the_cases_that_were_looked_at() -> None:
    assert set(CASES) >= {
        "test_simple_rnn_defaults",
        "test_simple_rnn_with_initial_bias",
        "test_rnn_seq_length",
        "test_simple_rnn_batchwise",
        "test_simple_rnn_reverse",
        "test_simple_rnn_bidirectional",
    }


@pytest.mark.parametrize("name", CASES)
def test_the_expected_outputs_of_the_standard_are_the_networks(name: str) -> None:
    case = Standard(name)
    right = Outcome.PASS if case.exercises() else Outcome.UNVERIFIABLE
    assert case.verdict(case.expected) == right
    (first, *_) = case.expected
    moved = {**case.expected, first: case.expected[first] - np.float32(1e-3)}
    assert case.verdict(moved) in FAILURES


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_every_form_gives_the_standards_outputs(name: str, form: str) -> None:
    case = Standard(name)
    fixed = {"time": case.x.shape[1]} if form == "unrolled" else {}
    exported = export(case.network, form=form, **fixed)
    got = run(exported.model, {"x": case.x})
    assert [*got] == [*case.expected]
    right = Outcome.PASS if case.exercises() else Outcome.UNVERIFIABLE
    assert case.verdict(got, form) == right


@pytest.mark.parametrize("name", CASES)
def test_the_suites_own_nodes_show_their_states(name: str) -> None:
    case = Standard(name)
    tapped = tap(weights_inside(case.model, case.given))
    assert len(tapped.cells) == len(case.backs)
    if case.layout:
        # onnxruntime runs no RNN with layout 1 (microsoft/onnxruntime 7687).
        names = [item.name for item in tapped.model.graph.output]
        made = ReferenceEvaluator(tapped.model).run(None, {"X": case.given["X"]})
        shown = dict(zip(names, made, strict=True))
    else:
        shown = run(tapped.model, case.given)
    last: Sequence[np.ndarray] = case.expected["Y_h/0"], case.expected.get("Y_h/1", np.zeros(0))
    for k, cell in enumerate(tapped.cells):
        states = cell.states(shown)
        assert cell.reverse == case.backs[k]
        assert states.shape == (case.x.shape[1], *last[k].shape)
        end = states[0] if cell.reverse else states[-1]
        np.testing.assert_array_equal(end, shown["Y_h"][:, k] if case.layout else shown["Y_h"][k])


def weights_inside(model: ModelProto, given: dict[str, np.ndarray]) -> ModelProto:
    """Return the suite's model with its weights as initializers, as every exporter writes them."""
    from onnx import numpy_helper

    made = ModelProto()
    made.CopyFrom(model)
    for name in [item.name for item in model.graph.input if item.name != "X"]:
        made.graph.initializer.append(numpy_helper.from_array(given[name], name))
    kept = [item for item in made.graph.input if item.name == "X"]
    del made.graph.input[:]
    made.graph.input.extend(kept)
    made.ir_version = 10
    for opset in made.opset_import:
        opset.version = min(opset.version, 22)
    return made
