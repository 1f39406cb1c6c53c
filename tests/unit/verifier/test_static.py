"""The static check on weights so small that one looks like a part of another."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper

from rnn_export.exporters import export
from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import Cell, Recurrent
from rnn_export.verifier.static import check_weights


def two_units(bias: tuple[float, float]) -> Network:
    kernel = np.array([[0.25, -0.5], [0.75, 1.5], [-0.125, 0.625]], np.float32)
    recurrent = np.array([[0.375, -0.875], [0.1875, 0.4375]], np.float32)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    weights = (ArrayWeight(item) for item in (kernel, recurrent, np.array(bias, np.float32)))
    cell = Cell("", *weights, activation("tanh"))
    draft.output("rnn", draft.call("rnn", Recurrent((cell,)), [x])[0])
    return draft.finish(Source("python", "two"))


@pytest.mark.parametrize("form", ["rnn", "scan", "wavefront"])
def test_a_bias_that_shares_a_number_with_a_row_of_r_is_no_fault(form: str) -> None:
    network = two_units((0.375, 0.5))
    graph = export(network, form=form).model.graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    stored = {name: values for name, values in stored.items() if values.dtype.kind == "f"}
    found = check_weights(network, stored)
    assert found.faults == ()
    assert found.skipped == ()
    stored["rnn/R"] = np.nextafter(stored["rnn/R"], np.float32(9))
    assert [fault.layer for fault in check_weights(network, stored).faults] == ["rnn"]
