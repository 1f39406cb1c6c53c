"""A state that hardly changes rounds the same way at each step: that is no direction of its errors, and no fault."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.builders import stacked
from rnn_export.exporters import export
from rnn_export.verifier import Outcome, judge
from tests.mutants.trying import observe


@pytest.mark.parametrize("seed", [7, 30, 41])
def test_one_token_over_hundreds_of_steps_is_no_alarm(seed: int) -> None:
    net = stacked(
        [95],
        33,
        input_dim=2,
        mask_zero=True,
        activation="sigmoid",
        bias_initializer="uniform",
        seed=seed,
        return_sequences=True,
    )
    (port,) = net.inputs
    tokens = np.random.default_rng(seed).integers(0, 2, (2, 291)).astype(np.int32)
    seen = observe(export(net, form="scan").model, {port.name: tokens}, net)
    verdict = judge(net, seen)
    assert verdict.outcome == Outcome.PASS, verdict.reason
