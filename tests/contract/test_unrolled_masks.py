"""Unrolled backward layers under a mask: Keras zeroes outputs in processing order by a mask in time order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rnn_export


def alone(layers: Any) -> Any:
    return layers.SimpleRNN(
        4, unroll=True, go_backwards=True, zero_output_for_mask=True, return_sequences=True
    )


def in_both(layers: Any) -> Any:
    return layers.Bidirectional(layers.SimpleRNN(4, unroll=True, return_sequences=True))


@pytest.mark.slow
@pytest.mark.parametrize("make", [alone, in_both])
def test_an_unrolled_backward_layer_under_a_mask_is_what_keras_computes(
    make: Callable[[Any], Any],
) -> None:
    import keras

    tokens = keras.Input((6,), dtype="int32", name="tokens")
    rows = keras.layers.Embedding(9, 3, mask_zero=True)(tokens)
    model = keras.Model(tokens, make(keras.layers)(rows))
    for weight in model.weights:
        weight.assign(np.random.default_rng(1).normal(size=weight.shape) * 0.5)
    report = rnn_export.verify(model, runtimes=["keras:tensorflow", "onnxruntime:cpu"])
    assert report.exit_code == 0, [case.verdict.reason for case in report.cases]
