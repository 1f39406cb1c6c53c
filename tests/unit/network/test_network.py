"""The network's own promises: shapes checked on the way, digests equal for equal networks and for no others."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from rnn_export.errors import NetworkError
from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import (
    Cell,
    Concatenate,
    Embedding,
    Merge,
    Recurrent,
    Reshape,
    TokenMask,
)


def weight(*shape: int, seed: int = 0, dtype: str = "float32") -> ArrayWeight:
    return ArrayWeight(np.random.default_rng(seed).normal(size=shape).astype(dtype))


def cell(features: int, units: int, name: str = "", act: str = "tanh", seed: int = 0) -> Cell:
    return Cell(
        name,
        weight(features, units, seed=seed),
        weight(units, units, seed=seed + 1),
        weight(units, seed=seed + 2),
        activation(act),
    )


def small(
    *, layer: str = "rnn", act: str = "tanh", seed: int = 0, source: str = "a", hints: bool = False
) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    (y,) = draft.call(
        layer,
        Recurrent((cell(3, 5, act=act, seed=seed),)),
        [x],
        hints={"dropout": 0.5} if hints else None,
    )
    draft.output(layer, y)
    return draft.finish(Source("python", source))


def test_source_and_hints_are_not_part_of_the_digest() -> None:
    assert small(source="a").digest == small(source="b", hints=True).digest


@pytest.mark.parametrize("change", [{"layer": "other"}, {"act": "relu"}, {"seed": 7}])
def test_names_activations_and_weights_are_part_of_the_digest(change: dict[str, str | int]) -> None:
    assert small().digest != small(**change).digest  # type: ignore[arg-type]


def test_the_digest_survives_pickling() -> None:
    network = small()
    assert pickle.loads(pickle.dumps(network)).digest == network.digest


def test_a_weights_digest_tells_shape_and_dtype_apart() -> None:
    values = np.zeros((4, 6), np.float32)
    digests = {
        ArrayWeight(values).digest,
        ArrayWeight(values.reshape(6, 4)).digest,
        ArrayWeight(values.astype(np.int32)).digest,
    }
    assert len(digests) == 3


def test_a_weight_does_not_follow_later_changes_of_its_array() -> None:
    values = np.ones((2, 3), np.float32)
    held = ArrayWeight(values)
    values[0, 0] = 9
    assert held.read()[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        held.read()[0, 0] = 2


def test_blocks_are_the_whole_weight_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnn_export.network.weight.BLOCK_BYTES", 64)
    held = weight(11, 7)
    blocks = list(held.blocks())
    assert len(blocks) > 1
    assert np.array_equal(np.concatenate(blocks), held.read())


def test_a_shared_layer_is_called_twice_and_counted_once() -> None:
    draft = Draft()
    shared = Recurrent((cell(3, 5),))
    ports = [draft.input(name, ("batch", f"{name}_time", 3), "float32") for name in ("a", "b")]
    made = [draft.call("rnn", shared, [port])[0] for port in ports]
    (y,) = draft.call("add", Merge("add"), made)
    draft.output("add", y)
    network = draft.finish(Source("python", "shared"))
    assert [call.path for call in network.calls] == ["rnn#0", "rnn#1", "add#0"]
    assert network.parameters == 3 * 5 + 5 * 5 + 5


def test_repeated_output_names_are_made_unique_and_begin_with_the_keras_name() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    for tensor in draft.call("rnn", Recurrent((cell(3, 5),), ("sequence", "output", "state")), [x]):
        draft.output("rnn", tensor)
    names = [port.name for port in draft.finish(Source("python", "names")).outputs]
    assert names == ["rnn", "rnn_1", "rnn_2"]


def test_stacked_cells_give_one_state_each_with_their_own_width() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    op = Recurrent((cell(3, 5, "cell"), cell(5, 7, "cell_1")), ("output", "state"))
    shapes = [draft.spec(tensor).shape for tensor in draft.call("rnn", op, [x])]
    assert shapes == [("batch", 7), ("batch", 5), ("batch", 7)]


def test_a_kernel_of_another_width_is_refused_with_the_layers_name() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 4), "float32")
    with pytest.raises(
        NetworkError, match=r"layer 'rnn', kernel: expected shape \(4, 5\), got \(3, 5\)"
    ):
        draft.call("rnn", Recurrent((cell(3, 5),)), [x])


def test_initial_states_must_fit_the_cells() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    h0 = draft.input("h0", ("batch", 6), "float32")
    with pytest.raises(NetworkError, match="initial states"):
        draft.call("rnn", Recurrent((cell(3, 5),)), [x], initial=[h0])


def test_a_mask_must_be_bool() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    m = draft.input("m", ("batch", "time"), "float32")
    with pytest.raises(NetworkError, match="bool mask"):
        draft.call("rnn", Recurrent((cell(3, 5),)), [x], mask=m)


def test_symbolic_axes_pass_through_embedding_mask_and_concatenation() -> None:
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int32")
    more = draft.input("more", ("batch", "more_time"), "int32")
    (e,) = draft.call("e", Embedding(weight(11, 3)), [tokens])
    (f,) = draft.call("f", Embedding(weight(11, 3)), [more])
    (mask,) = draft.call("e/mask", TokenMask(), [tokens])
    (both,) = draft.call("both", Concatenate(1), [e, f])
    assert draft.spec(mask).dtype == "bool"
    assert draft.spec(both).shape == ("batch", "time_plus_more_time", 3)


def test_reshape_counts_values() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", 4, 6), "float32")
    assert draft.spec(draft.call("r", Reshape((-1, 3)), [x])[0]).shape == ("batch", 8, 3)
    with pytest.raises(NetworkError, match="24 values"):
        draft.call("s", Reshape((5, 5)), [x])
