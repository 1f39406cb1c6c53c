"""Every form against Keras itself on TensorFlow: masks, directions, states; exact numbers, so to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from rnn_export.exporters import FORMS, export
from rnn_export.readers import read
from rnn_export.verifier import Facts, Observation, Outcome, judge
from tests.unit.exporters.exact import exact, halves, run

BATCH, TIME, TOKENS = 3, 5, 7
ACTIVATIONS = ("relu", "linear", "hard_tanh", "relu6")


Draw = Callable[[st.SearchStrategy[Any]], Any]
"""What is drawn is plain data: Keras itself uses the random module, which strategies must not."""


def options(draw: Draw) -> dict[str, Any]:
    return {
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "use_bias": draw(st.booleans()),
    }


def layer_of(draw: Draw, sequences: bool) -> Any:
    shared = {
        "return_sequences": sequences,
        "return_state": draw(st.booleans()),
        "go_backwards": draw(st.booleans()),
        "zero_output_for_mask": draw(st.booleans()),
    }
    # Unrolled backwards with zero_output_for_mask, Keras takes the mask in the wrong order; readers see to that.
    if not (shared["go_backwards"] and shared["zero_output_for_mask"]):
        shared["unroll"] = draw(st.booleans())
    units = draw(st.integers(2, 5))
    kind = draw(st.sampled_from(["SimpleRNN", "cells", "Bidirectional"]))
    if kind == "cells":
        cells = [keras.layers.SimpleRNNCell(units + k, **options(draw)) for k in range(2)]
        return keras.layers.RNN(cells, **shared)
    if kind == "SimpleRNN":
        return keras.layers.SimpleRNN(units, **shared, **options(draw))
    shared |= {"go_backwards": False, "unroll": False}
    forward = keras.layers.SimpleRNN(units, **shared, **options(draw))
    mode = draw(st.sampled_from(["concat", "sum", "mul", "ave"]))
    if draw(st.booleans()):
        return keras.layers.Bidirectional(forward, merge_mode=mode)
    own = {**shared, "go_backwards": True}
    backward = keras.layers.SimpleRNN(units, **own, **options(draw))
    return keras.layers.Bidirectional(forward, merge_mode=mode, backward_layer=backward)


def model_of(draw: Draw) -> Any:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    source = draw(st.sampled_from(["tokens", "values", "mask", "bare"]))
    inputs: list[Any] = []
    mask = None
    if source == "tokens":
        inputs.append(keras.Input((TIME,), dtype="int32", name="tokens"))
        x = keras.layers.Embedding(TOKENS, 3, mask_zero=True)(inputs[0])
    else:
        inputs.append(keras.Input((TIME, 3), name="x"))
        x = keras.layers.Masking(0.5)(inputs[0]) if source == "values" else inputs[0]
    if source == "mask":
        inputs.append(keras.Input((TIME,), dtype="bool", name="mask"))
        mask = inputs[1]
    outputs = []
    count = draw(st.integers(1, 3))
    for k in range(count):
        sequences = k < count - 1 or draw(st.booleans())
        layer = layer_of(draw, sequences)
        starts = {}
        if draw(st.booleans()) and not isinstance(layer, keras.layers.Bidirectional):
            sizes = [cell.units for cell in getattr(layer.cell, "cells", [layer.cell])]
            held = [keras.Input((size,), name=f"h{k}_{j}") for j, size in enumerate(sizes)]
            inputs += held
            starts = {"initial_state": held}
        made = layer(x, mask=mask, **starts) if mask is not None else layer(x, **starts)
        x, *states = made if isinstance(made, (list, tuple)) else [made]
        outputs += states
    model = keras.Model(inputs, [x, *outputs])
    for variable in model.variables:
        shape = tuple(variable.shape)
        if variable.path.endswith("recurrent_kernel"):
            values = np.zeros(shape, np.float32)
            values[np.arange(shape[0]), random.permutation(shape[0])] = random.choice(
                [-1, -0.5, 0.5], shape[0]
            )
        else:
            values = halves(random, shape, 1)
        variable.assign(values)
    return model


def feeds(model: Any, random: np.random.Generator) -> dict[str, np.ndarray]:
    given_feeds = {}
    for tensor in model.inputs:
        shape = (BATCH, *tensor.shape[1:])
        if tensor.name in ("tokens", "mask"):
            valid = random.random(shape) < 0.6
            valid[0] = False
            tokens = np.where(valid, random.integers(1, TOKENS, shape), 0)
            given_feeds[tensor.name] = valid if tensor.name == "mask" else tokens.astype(np.int32)
        else:
            given_feeds[tensor.name] = halves(random, shape)
            if tensor.name == "x":
                # The value that Masking looks for, a whole row of it and some steps of the others.
                given_feeds["x"][0] = 0.5
                given_feeds["x"][1, ::2] = 0.5
    return given_feeds


@pytest.mark.slow
@settings(max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_every_form_is_keras_to_the_last_bit(data: st.DataObject, seed: int) -> None:
    model = model_of(data.draw)
    network = read(model)
    given_feeds = feeds(model, np.random.default_rng(seed))
    wanted = [
        np.asarray(value)
        for value in keras.tree.flatten(model([given_feeds[item.name] for item in model.inputs]))
    ]
    # What has outgrown 24 bits is rounded, in an order of its own: then the verifier's bound decides.
    bitwise = all(exact(values.astype(np.float64)) for values in wanted)
    event("to the last bit" if bitwise else "within the bound")
    for form in FORMS:
        exported = export(network, form=form, time=TIME if form == "unrolled" else None)
        got = run(exported.model, given_feeds)
        assert len(got) == len(wanted)
        if not bitwise:
            facts = Facts("onnxruntime:cpu", form=form, network_digest=network.digest)
            verdict = judge(network, Observation(given_feeds, got, facts))
            assert verdict.outcome in (Outcome.PASS, Outcome.UNVERIFIABLE), f"{form} {verdict}"
            continue
        for (name, values), want in zip(got.items(), wanted, strict=True):
            np.testing.assert_array_equal(values, want, err_msg=f"{form} {name}")
