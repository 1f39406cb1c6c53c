"""Half precision on a runtime that computes in float32 and rounds where it hands on: no false alarm."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import Cell, Recurrent
from rnn_export.verifier import Outcome
from rnn_export.workflows.verification import verify


def shown_stack() -> Network:
    """Two layers, each of them an output."""
    rng = np.random.default_rng(5)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 4), "float16")
    for name, features, units in (("lower", 4, 9), ("upper", 9, 5)):
        kernel, recurrent = (
            rng.standard_normal((features, units)),
            rng.standard_normal((units, units)),
        )
        cell = Cell(
            "",
            ArrayWeight((kernel / features**0.5).astype(np.float32)),
            ArrayWeight((recurrent / units**0.5).astype(np.float32)),
            ArrayWeight(rng.standard_normal(units).astype(np.float32)),
            activation("tanh"),
        )
        (x,) = draft.call(name, Recurrent((cell,), ("sequence",)), [x], dtype="float16")
        draft.output(name, x)
    return draft.finish(Source("python", "stack"))


@pytest.mark.parametrize("form", ["rnn", "scan", "wavefront"])
def test_a_layer_reads_the_one_below_before_an_output_rounds_it(form: str) -> None:
    report = verify(shown_stack(), forms=(form,), runtimes=("onnxruntime:cpu",))
    judged = [case for case in report.cases if case.form == form]
    assert judged
    assert {case.verdict.outcome for case in judged} == {Outcome.PASS}, [
        case.verdict.reason for case in judged
    ]
