"""What has no live Keras model, or none as asked, is refused by layer; what Keras spells otherwise comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from rnn_export.builders import keras_model, save_keras, simple_rnn
from rnn_export.builders.reference import run
from rnn_export.errors import NetworkError, StoreError
from rnn_export.network import ArrayWeight, Draft, Network, Op, Source, Stream, activation
from rnn_export.network.ops import (
    Activate,
    Affine,
    BatchNormalization,
    Cell,
    Concatenate,
    Dense,
    Flip,
    LayerNormalization,
    Merge,
    ParametricRelu,
    Permute,
    Pool,
    Recurrent,
    Repeat,
    Reshape,
)

RNG = np.random.default_rng(9)


def weight(*shape: int, dtype: str = "float32") -> ArrayWeight:
    return ArrayWeight(RNG.uniform(0.1, 1.0, size=shape).astype(dtype))


def cell(features: int = 3, units: int = 4, act: Any = "tanh", dtype: str = "float32") -> Cell:
    made = activation(act) if isinstance(act, str) else act
    return Cell(
        "", weight(features, units, dtype=dtype), weight(units, units, dtype=dtype), None, made
    )


def of_one(op: Op, *, dtype: str = "float32", time: int | str = "time") -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", time, 3), "float32")
    for made in draft.call("layer", op, [x], dtype=dtype):
        draft.output("layer", made)
    return draft.finish(Source("python", "one"))


REFUSED: dict[str, tuple[Network, str]] = {
    "sequence and output at once": (
        of_one(Recurrent((cell(),), ("sequence", "output"))),
        r"layer 'layer': expected either the sequence or the last output",
    ),
    "an op without a layer": (
        of_one(Flip(1)),
        r"layer 'layer': expected an op that one Keras layer stands for, got Flip",
    ),
    "the slope of Keras 2": (
        of_one(Recurrent((cell(act=activation("hard_sigmoid", slope=0.2)),))),
        r"layer 'layer': expected an activation that Keras 3 can hold in a layer",
    ),
    "weights that no policy combines": (
        of_one(Recurrent((cell(dtype="float64"),))),
        r"layer 'layer': expected weights in float32, .*got float64",
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_keras_cannot_say_is_refused_by_layer(case: str) -> None:
    network, message = REFUSED[case]
    with pytest.raises(NetworkError, match=message):
        keras_model(network)


def test_a_parameter_that_keras_refuses_is_named_by_layer() -> None:
    network = simple_rnn(4, 3, kernel_regularizer="l7")
    with pytest.raises(
        NetworkError, match=r"layer 'simple_rnn': expected parameters that Keras takes, got .*l7"
    ):
        keras_model(network)


def test_streams_are_refused() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    h = draft.input("rnn/h_in", ("batch", 4), "float32")
    y, state = draft.call("rnn", Recurrent((cell(),), ("output", "state")), [x], initial=[h])
    draft.output("rnn", y)
    draft.output("rnn/h_out", state)
    draft.stream(Stream("rnn", "rnn/h_in", "rnn/h_out"))
    with pytest.raises(NetworkError, match="a stream at 'rnn'"):
        keras_model(draft.finish(Source("python", "streaming")))


def test_only_a_keras_file_is_written(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"expected a name that ends in \.keras, got '\.h5'"):
        save_keras(simple_rnn(4, 3), tmp_path / "model.h5")
    with pytest.raises(StoreError, match=r"model\.keras: expected a place that can be written"):
        save_keras(simple_rnn(4, 3), tmp_path / "gone" / "model.keras")


PLAIN: dict[str, tuple[Op, Any]] = {
    "activation": (Activate(activation("selu")), "time"),
    "activation with a parameter": (Activate(activation("leaky_relu", negative_slope=0.3)), "time"),
    "softmax over time": (Activate(activation("softmax"), 1), "time"),
    "prelu": (ParametricRelu(weight(1, 3)), "time"),
    "rescaling": (Affine(0.5, -0.25), "time"),
    "layer normalization": (LayerNormalization((-1,), 0.01, weight(3), weight(3)), "time"),
    "batch normalization": (
        BatchNormalization(-1, 0.01, weight(3), None, weight(3), weight(3)),
        "time",
    ),
    "average": (Pool("average", True), "time"),
    "maximum": (Pool("max"), "time"),
    "reshape": (Reshape((-1,)), 5),
    "permute": (Permute((2, 1)), 5),
    "dense": (Dense(weight(3, 2), weight(2), activation("elu", alpha=0.5)), "time"),
}


@pytest.mark.parametrize("case", sorted(PLAIN))
def test_every_plain_op_becomes_its_layer(case: str) -> None:
    op, time = PLAIN[case]
    network = of_one(op, time=time)
    x = RNG.normal(size=(2, 5, 3)).astype(np.float32)
    live = keras.ops.convert_to_numpy(keras_model(network)({"x": x}))
    got = run(network, {"x": x}, np.float64)["layer"]
    assert live.shape == got.shape
    # At most 30 roundings of values up to 4.
    assert np.abs(live - got).max() <= 30 * 4 * 2.0**-24


def test_branches_states_masks_and_shared_layers_become_a_functional_model() -> None:
    """An encoder whose state begins a decoder; one Dense on both; an explicit mask; outputs by name."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    z = draft.input("z", ("batch", "z_time", 3), "float32")
    mask = draft.input("mask", ("batch", "time"), "bool")
    encoder, decoder = Recurrent((cell(),), ("output", "state")), Recurrent((cell(),))
    _, state = draft.call("encoder", encoder, [x], mask=mask)
    (decoded,) = draft.call("decoder", decoder, [z], initial=[state])
    shared = Dense(weight(4, 2), weight(2), activation("linear"))
    (one,) = draft.call("shared", shared, [state])
    (two,) = draft.call("shared", shared, [decoded])
    (joined,) = draft.call("joined", Concatenate(-1), [one, two])
    (summed,) = draft.call("summed", Merge("average"), [one, two, joined_half(draft, joined)])
    (again,) = draft.call("again", Repeat(2), [summed])
    draft.output("again", again)
    draft.output("renamed", state)
    draft.output("shared", two)
    network = draft.finish(Source("python", "branches"))

    model = keras_model(network)
    assert [tensor.name for tensor in model.inputs] == ["x", "z", "mask"]
    names = [layer.name for layer in model.layers]
    assert names.count("shared") == 1
    assert {"encoder", "decoder", "joined", "summed", "again", "renamed"} <= set(names)
    assert model.count_params() == network.parameters
    feeds: dict[str, np.ndarray] = {
        "x": RNG.normal(size=(2, 5, 3)).astype(np.float32),
        "z": RNG.normal(size=(2, 4, 3)).astype(np.float32),
        "mask": np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0]], bool),
    }
    for live, got in zip(model(feeds), run(network, feeds, np.float64).values(), strict=True):
        values = keras.ops.convert_to_numpy(live)
        assert values.shape == got.shape
        # 9 steps of 8 terms up to 4, and what follows.
        assert np.abs(values - got).max() <= 2 * 9 * 8 * 4 * 2.0**-24
    assert not keras.ops.convert_to_numpy(model(feeds)[1])[1].any()


def joined_half(draft: Draft, joined: str) -> str:
    kernel = weight(4, 2)
    (half,) = draft.call("half", Dense(kernel, None, activation("tanh")), [joined])
    return half
