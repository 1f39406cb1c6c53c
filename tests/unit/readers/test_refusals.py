"""What cannot be read is refused in one line: which layer, of which class, why, and the nearest way out."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from rnn_export.errors import ReadError
from rnn_export.readers import read
from rnn_export.readers.layers.table import LAYERS
from rnn_export.readers.refusals import check_known
from tests.property.keras_comparing import quietly

L = keras.layers


def around(
    layer: Callable[[Any], Any], shape: tuple[int | None, ...] = (None, 5), dtype: str = "float32"
) -> Callable[[], Any]:
    def make() -> Any:
        x = keras.Input(shape, name="x", dtype=dtype)
        return keras.Model(x, layer(x))

    return make


@keras.saving.register_keras_serializable("mine")
class OwnLayer(keras.Layer):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        return x


class OwnModel(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(name="own")
        self.rnn = L.SimpleRNN(3)

    def call(self, x: Any) -> Any:
        return self.rnn(x)


def own_model() -> Any:
    model = OwnModel()
    model(np.zeros((2, 3, 5)))
    return model


def two_calls_of_a_stateful_layer() -> Any:
    x = keras.Input(batch_shape=(2, None, 5), name="x")
    rnn = L.SimpleRNN(5, stateful=True, return_sequences=True, name="rnn")
    return keras.Model(x, rnn(rnn(x)))


def stateful(**options: Any) -> Callable[[], Any]:
    def make() -> Any:
        x = keras.Input(batch_shape=(2, None, 5), name="x")
        rnn = L.SimpleRNN(5, stateful=True, name="rnn", **options)
        return keras.Model(x, rnn(x) if options else L.Bidirectional(rnn, name="both")(x))

    return make


def masked_softmax() -> Any:
    x = keras.Input((None, 5), name="x")
    return keras.Model(x, L.Softmax(name="soft")(L.Masking()(x)))


def with_second(shape: tuple[int | None, ...], dtype: str, name: str) -> Callable[[], Any]:
    def make() -> Any:
        x, other = keras.Input((None, 5), name="x"), keras.Input(batch_shape=shape, dtype=dtype)
        return keras.Model([x, other], L.SimpleRNN(4, name="r")(x, **{name: other}))

    return make


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "lstm": (
        around(lambda x: L.LSTM(3, name="l")(x)),
        r"layer 'l' \(LSTM\).*class LSTM.*Only SimpleRNN",
    ),
    "gru-both": (
        around(lambda x: L.Bidirectional(L.GRU(3, name="g"))(x)),
        r"'forward_g|'backward_g|GRU",
    ),
    "lambda": (
        around(lambda x: L.Lambda(lambda x: x, name="l")(x)),
        r"layer 'l' \(Lambda\).*never run",
    ),
    "attention": (
        around(lambda x: L.Attention(name="a")([x, x])),
        r"layer 'a' \(Attention\).*Export the part",
    ),
    "conv": (
        around(lambda x: L.Conv1D(3, 2, name="c")(x)),
        r"layer 'c' \(Conv1D\).*before this layer",
    ),
    "operation": (around(lambda x: x * 2), r"operation 'multiply\w*' \(Multiply\).*Use the layer"),
    "slice": (around(lambda x: x[:, :1]), r"operation 'get_item\w*' \(GetItem\)"),
    "own-layer": (
        around(lambda x: OwnLayer(name="o")(x)),
        r"layer 'o' \(OwnLayer\).*custom class 'mine>OwnLayer'",
    ),
    "own-model": (own_model, r"model 'own'.*subclassed model OwnModel|custom class .*OwnModel"),
    "unbuilt": (
        lambda: keras.Sequential([L.SimpleRNN(3)], name="s"),
        r"model 's': expected a built model",
    ),
    "empty": (lambda: keras.Sequential(name="s"), r"model 's': expected a model with layers"),
    "constant-state": (
        around(lambda x: L.SimpleRNN(3, name="r")(x, initial_state=np.ones((2, 3), "float32"))),
        r"layer 'r' \(SimpleRNN\).*a constant.*keras\.Input",
    ),
    "stateful-twice": (two_calls_of_a_stateful_layer, r"layer 'rnn'.*one call of a stateful layer"),
    "stateful-both": (stateful(), r"'\w+_rnn' \(SimpleRNN\).*Bidirectional that is not stateful"),
    "stateful-backwards": (
        stateful(go_backwards=True),
        r"layer 'rnn' \(SimpleRNN\).*runs forwards",
    ),
    "mask-of-rank-3": (
        with_second((None, None, 1), "bool", "mask"),
        r"layer 'r' \(SimpleRNN\): expected a mask \(batch, time\), got rank 3",
    ),
    "one-state-for-all-rows": (
        with_second((1, 4), "float32", "initial_state"),
        r"layer 'r' \(SimpleRNN\): expected an initial state for each row.*Leave the batch open",
    ),
    "average-of-integers": (
        around(lambda x: L.Average(name="a")([x, x]), dtype="int32"),
        r"layer 'a' \(Average\): expected float inputs, got int32\. Declare",
    ),
    "maximum-of-short-integers": (
        around(lambda x: L.Maximum(name="m")([x, x]), dtype="uint16"),
        r"layer 'm' \(Maximum\): expected float inputs, got uint16",
    ),
    "sum-of-long-integers": (
        around(lambda x: L.Add(name="a")([x, x]), dtype="uint64"),
        r"layer 'a' \(Add\): expected float inputs, got uint64",
    ),
    "softmax-under-a-mask": (masked_softmax, r"layer 'soft' \(Softmax\).*Activation\('softmax'\)"),
    "softmax-of-masked-steps": (
        around(lambda x: L.TimeDistributed(L.Softmax(name="soft"), name="t")(L.Masking()(x))),
        r"layer 'soft' \(Softmax\).*no mask inside layer 't'.*Activation\('softmax'\)",
    ),
    "softmax-of-masked-steps-in-a-model": (
        around(
            lambda x: L.TimeDistributed(
                keras.Sequential([keras.Input((5,)), L.Dense(3), L.Softmax(name="soft")])
            )(L.Masking()(x))
        ),
        r"layer 'soft' \(Softmax\).*no mask inside",
    ),
    "rms": (
        around(lambda x: L.LayerNormalization(rms_scaling=True, name="n")(x)),
        r"layer 'n' \(LayerNormalization\).*rms_scaling",
    ),
    "steps-of-rnn": (
        around(lambda x: L.TimeDistributed(L.SimpleRNN(3, name="r"), name="t")(x), (4, None, 5)),
        r"layer 'r' \(SimpleRNN\).*inside layer 't'",
    ),
    "text": (
        lambda: (lambda x: keras.Model(x, L.Identity()(x)))(
            keras.Input((3,), name="x", dtype="string")
        ),
        r"layer 'x' \(InputLayer\).*dtype string",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_live_model_is_refused_by_name(name: str) -> None:
    make, pattern = REFUSED[name]
    with pytest.raises(ReadError, match=pattern) as caught:
        quietly(read, quietly(make))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(set(REFUSED) - {"empty"}))
def test_its_file_is_refused_too(name: str, tmp_path: Path) -> None:
    make, _ = REFUSED[name]
    quietly(quietly(make).save, tmp_path / "model.keras")
    with pytest.raises(ReadError):
        read(tmp_path / "model.keras")


def test_every_layer_of_keras_is_read_or_refused_by_name() -> None:
    kinds = [name for name in dir(L) if name[0].isupper() and isinstance(getattr(L, name), type)]
    known = {*LAYERS, "InputLayer"}
    assert len(kinds) > len(known)
    for kind in kinds:
        if kind in known:
            check_known(kind, "layer 'l'")
        else:
            with pytest.raises(ReadError, match=rf"layer 'l': .* got class {kind}\. \w"):
                check_known(kind, "layer 'l'")


def test_no_error_is_lost_on_its_way_from_another_process() -> None:
    with pytest.raises(ReadError) as caught:
        read("nowhere.keras")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
