"""Streaming networks: chunks of any sizes give what one pass gives, or the layer in the way is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnn_export.builders import reference
from rnn_export.errors import NetworkError
from rnn_export.network import ArrayWeight, Draft, Network, Source, TensorId, activation
from rnn_export.network.ops import (
    Cell,
    Concatenate,
    Dense,
    Embedding,
    ExpandDims,
    Flip,
    LayerNormalization,
    Merge,
    Permute,
    Pool,
    Recurrent,
    Repeat,
    Reshape,
    TokenMask,
    ValueMask,
)
from rnn_export.network.streaming import streaming

BATCH, TIME, FEATURES, UNITS = 3, 11, 5, 4
CHUNKS = [(0, 2), (2, 3), (3, 7), (7, 11)]
Body = Callable[[Draft, TensorId], TensorId]
RNG = np.random.default_rng(9)


def weight(*shape: int) -> ArrayWeight:
    return ArrayWeight(RNG.normal(size=shape) * 0.4)


def cell(features: int, units: int = UNITS, name: str = "") -> Cell:
    return Cell(
        name, weight(features, units), weight(units, units), weight(units), activation("tanh")
    )


def rnn(draft: Draft, x: TensorId, layer: str, **options: object) -> tuple[TensorId, ...]:
    features = draft.spec(x).shape[-1]
    assert isinstance(features, int)
    mask = options.pop("mask", None)
    op = Recurrent((cell(features),), **{"emits": ("sequence",), **options})  # type: ignore[arg-type]
    return draft.call(layer, op, [x], dtype="float64", mask=mask)  # type: ignore[arg-type]


def network(body: Body) -> Network:
    draft = Draft()
    draft.output("y", body(draft, draft.input("x", ("batch", "time", FEATURES), "float64")))
    return draft.finish(Source("python", "streamed"))


def padded() -> np.ndarray:
    x = RNG.normal(size=(BATCH, TIME, FEATURES))
    x[0, 4:] = x[1, :3] = x[1, 6:8] = x[2] = 0
    return x


def in_chunks(stream: Network, x: np.ndarray) -> list[dict[str, np.ndarray]]:
    states = {}
    for item in stream.streams:
        (tensor,) = (port.tensor for port in stream.inputs if port.name == item.input)
        states[item.input] = np.zeros((BATCH, stream.spec(tensor).fixed(1, item.path, "units")))
    made = []
    for start, stop in CHUNKS:
        found = reference.run(stream, {"x": x[:, start:stop], **states}, np.float64)
        states = {item.input: found[item.output] for item in stream.streams}
        made.append(found)
    return made


def layers_deep(draft: Draft, x: TensorId) -> TensorId:
    (y,) = rnn(draft, x, "first")
    (y,) = draft.call(
        "mix", Dense(weight(UNITS, 6), weight(6), activation("relu")), [y], dtype="float64"
    )
    (y,) = draft.call("norm", LayerNormalization((2,), 0.5, None, None), [y], dtype="float64")
    return rnn(draft, y, "second")[0]


def last_output(draft: Draft, x: TensorId) -> TensorId:
    return rnn(draft, layers_deep(draft, x), "last", emits=("output",))[0]


def masked_last(draft: Draft, x: TensorId) -> TensorId:
    (mask,) = draft.call("mask", ValueMask(0.0), [x])
    (y,) = rnn(draft, x, "first", mask=mask)
    (y,) = draft.call(
        "mix", Dense(weight(UNITS, 6), None, activation("relu")), [y], dtype="float64"
    )
    return rnn(draft, y, "last", mask=mask, emits=("output", "state"))[0]


def masked_zero(draft: Draft, x: TensorId) -> TensorId:
    (mask,) = draft.call("mask", ValueMask(0.0), [x])
    return rnn(draft, x, "rnn", mask=mask, zero_output_for_mask=True)[0]


def stacked(draft: Draft, x: TensorId) -> TensorId:
    op = Recurrent((cell(FEATURES, 6, "low"), cell(6, 3, "high")), ("sequence",))
    return draft.call("rnn", op, [x], dtype="float64")[0]


def branches(draft: Draft, x: TensorId) -> TensorId:
    (a,), (b,) = rnn(draft, x, "a"), rnn(draft, x, "b")
    (total,) = draft.call("add", Merge("add"), [a, b], dtype="float64")
    (wide,) = draft.call("wide", Concatenate(-1), [total, x], dtype="float64")
    return draft.call("shape", Reshape((-1, 3, 3)), [wide], dtype="float64")[0]


STREAMED: dict[str, Body] = {
    body.__name__: body
    for body in (layers_deep, last_output, masked_last, masked_zero, stacked, branches)
}


@pytest.mark.parametrize("name", STREAMED)
def test_chunks_of_any_sizes_equal_one_pass(name: str) -> None:
    whole = network(STREAMED[name])
    x = padded()
    want = reference.run(whole, {"x": x}, np.float64)["y"]
    made = [found["y"] for found in in_chunks(streaming(whole), x)]
    got = np.concatenate(made, axis=1) if want.ndim > 2 else made[-1]
    # The same sums in the same order: matrix products of other heights may differ in their last bits.
    assert np.abs(got - want).max() <= 2.0**-53 * TIME * 8 * 8


def test_states_are_named_by_layer_and_cell() -> None:
    made = streaming(network(stacked))
    assert [port.name for port in made.inputs] == ["x", "rnn/low/h_in", "rnn/high/h_in"]
    assert [port.name for port in made.outputs] == ["y", "rnn/low/h_out", "rnn/high/h_out"]
    assert [item.path for item in made.streams] == ["rnn/low", "rnn/high"]


def test_a_streaming_network_stays_what_it_is() -> None:
    once = streaming(network(layers_deep))
    assert streaming(once).digest == once.digest


def test_an_initial_state_that_is_an_input_is_the_stream() -> None:
    draft = Draft()
    x, h = (
        draft.input("x", ("batch", "time", FEATURES), "float64"),
        draft.input("h", ("batch", UNITS), "float64"),
    )
    (y,) = draft.call(
        "rnn", Recurrent((cell(FEATURES),), ("sequence",)), [x], dtype="float64", initial=[h]
    )
    draft.output("y", y)
    made = streaming(draft.finish(Source("python", "given")))
    assert [port.name for port in made.inputs] == ["x", "h"]
    assert [(item.input, item.output) for item in made.streams] == [("h", "rnn/h_out")]


def pooled(draft: Draft, x: TensorId) -> TensorId:
    return draft.call("pool", Pool("max"), [rnn(draft, x, "rnn")[0]], dtype="float64")[0]


def flipped(draft: Draft, x: TensorId) -> TensorId:
    return draft.call("flip", Flip(1), [x], dtype="float64")[0]


def backwards(draft: Draft, x: TensorId) -> TensorId:
    return rnn(draft, x, "rnn", go_backwards=True)[0]


def turned(draft: Draft, x: TensorId) -> TensorId:
    return draft.call("turn", Permute((2, 1)), [x], dtype="float64")[0]


def decoded(draft: Draft, x: TensorId) -> TensorId:
    (y,) = rnn(draft, x, "encoder", emits=("output",))
    (y,) = draft.call("repeat", Repeat(6), [y], dtype="float64")
    return rnn(draft, y, "decoder")[0]


def handed_over(draft: Draft, x: TensorId) -> TensorId:
    (state,) = rnn(draft, x, "encoder", emits=("output",))
    op = Recurrent((cell(FEATURES),), ("sequence",))
    return draft.call("decoder", op, [x], dtype="float64", initial=[state])[0]


def told_the_end(draft: Draft, x: TensorId) -> TensorId:
    """Every step hears of the last one, which is another in every chunk."""
    (last,) = rnn(draft, x, "rnn", emits=("output",))
    (wide,) = draft.call("wide", ExpandDims(1), [last], dtype="float64")
    (y,) = rnn(draft, x, "other")
    return draft.call("add", Merge("add"), [y, wide], dtype="float64")[0]


def shown_masked(draft: Draft, x: TensorId) -> TensorId:
    (mask,) = draft.call("mask", ValueMask(0.0), [x])
    return rnn(draft, x, "rnn", mask=mask)[0]


def shared(draft: Draft, x: TensorId) -> TensorId:
    op = Recurrent((cell(FEATURES, FEATURES),), ("sequence",))
    (y,) = draft.call("rnn", op, [x], dtype="float64")
    return draft.call("rnn", op, [y], dtype="float64")[0]


@pytest.mark.parametrize(
    ("body", "layer"),
    [
        (pooled, "pool"),
        (flipped, "flip"),
        (backwards, "rnn"),
        (turned, "turn"),
        (decoded, "decoder"),
        (handed_over, "decoder"),
        (told_the_end, "add"),
        (shown_masked, "rnn"),
        (shared, "rnn"),
    ],
)
def test_a_layer_that_looks_beyond_the_chunk_is_named(body: Body, layer: str) -> None:
    with pytest.raises(NetworkError, match=f"layer '{layer}'"):
        streaming(network(body))


def test_tokens_stream_too() -> None:
    draft = Draft()
    t = draft.input("x", ("batch", "time"), "int32")
    (mask,) = draft.call("e/mask", TokenMask(), [t])
    (x,) = draft.call("e", Embedding(weight(9, FEATURES)), [t], dtype="float64")
    (y,) = rnn(draft, x, "rnn", mask=mask, emits=("output",))
    draft.output("y", y)
    whole = draft.finish(Source("python", "tokens"))
    tokens = RNG.integers(0, 3, (BATCH, TIME)).astype("int32")
    want = reference.run(whole, {"x": tokens}, np.float64)["y"]
    got = in_chunks(streaming(whole), tokens)[-1]["y"]
    assert np.abs(got - want).max() <= 2.0**-53 * TIME * 8 * 8
