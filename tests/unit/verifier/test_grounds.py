"""What a report rests on: the part of the weights that is exercised, the attributes that would be missed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rnn_export.network import BATCH, TIME, ArrayWeight, Draft, Network, Source
from rnn_export.network.ops import Embedding, Recurrent
from rnn_export.verifier.grounds import grounds
from rnn_export.verifier.inputs import controls, coverage, design
from rnn_export.verifier.inputs.designing import EVERY_TOKEN
from rnn_export.verifier.rehearsal import rehearse
from tests.unit.verifier.showing import altered, cell, feeds, first_cell, network


def embedded(tokens: int) -> Network:
    """Return an embedding of so many rows, and a layer of 7 units on it."""
    draft = Draft()
    ids = draft.input("ids", (BATCH, TIME), "int32")
    table = np.random.default_rng(0).standard_normal((tokens, 5)).astype(np.float32)
    (x,) = draft.call("embedding", Embedding(ArrayWeight(table)), [ids])
    (y,) = draft.call("rnn", Recurrent((cell(5, 7, 0),), ("output",)), [x])
    draft.output("y", y)
    return draft.finish(Source("python", "test"))


def test_designed_inputs_exercise_every_weight_and_show_every_attribute() -> None:
    net = network((7, 4), masked=True, state=True, go_backwards=True, emits=("sequence",))
    found = grounds(net, design(net))
    assert found is not None
    assert found.coverage == 1.0
    assert found.unnoticed == ()
    # Direction, mask, initial state and bias of either layer.
    assert found.attributes == 2 * 4
    assert json.loads(json.dumps(found.to_json()))["oracle"]["steps"] is None


def test_a_weight_that_meets_only_zeros_is_not_exercised() -> None:
    net = network((7,), emits=("sequence",))
    given = feeds(net, batch=8, time=60)
    assert coverage(net, rehearse(net, given)) == 1.0
    given["x"][..., 2] = 0
    parts = 7 * 5 + 7 * 7 + 7
    assert coverage(net, rehearse(net, given)) == (parts - 7) / parts


def test_saturated_units_exercise_little() -> None:
    net = network((7,), emits=("sequence",))
    given = {"x": 1e4 * feeds(net, batch=8, time=60)["x"]}
    assert coverage(net, rehearse(net, given)) < 0.3


def test_rows_of_an_embedding_that_no_token_reaches_are_not_exercised() -> None:
    net = embedded(1000)
    sets = {item.kind: item for item in design(net)}
    assert sets["odd"].coverage < 0.1
    seen = set(np.unique(sets[EVERY_TOKEN].feeds["ids"]).tolist())
    assert seen == set(range(1000))
    found = grounds(net, tuple(sets.values()))
    assert found is not None
    assert found.coverage == sets[EVERY_TOKEN].coverage > 0.99


def test_an_attribute_that_no_output_shows_is_named() -> None:
    net = network((7,), go_backwards=True)
    given = feeds(net, time=1)  # Forwards or backwards, one step is one step.
    assert {item.attribute: item.noticed for item in controls(net, given)} == {
        "go_backwards": False,
        "bias": True,
    }
    still = altered(net, "rnn0", kernel=np.zeros((5, 7), np.float32))
    found = grounds(still, design(still))
    assert found is not None
    assert found.unnoticed == ("go_backwards of rnn0#0",)


def test_inputs_that_never_exercise_a_recurrent_kernel_are_marked_and_are_no_grounds() -> None:
    net = network((7,))
    sets = {item.kind: item for item in design(net)}
    assert sets["one step"].idle == ("rnn0#0",)
    assert not any(item.idle for kind, item in sets.items() if kind != "one step")
    assert grounds(net, [sets["one step"]]) is None
    held = network((7,), state=True)
    assert not any(item.idle for item in design(held))


@pytest.mark.parametrize("time", [None, 6])
def test_sizes_are_all_different_from_each_other_and_from_the_networks(time: int | None) -> None:
    draft = Draft()
    # The sizes that a design would like best are the network's own.
    x = draft.input("x", (BATCH, TIME if time is None else time, 3), "float32")
    (y,) = draft.call("rnn", Recurrent((cell(3, 5, 0),), ("sequence",)), [x])
    (y,) = draft.call("rnn_1", Recurrent((cell(5, 7, 1),), ("output",)), [y])
    draft.output("y", y)
    net = draft.finish(Source("python", "test"))
    sets = design(net)
    for item in sets:
        sizes = [item.batch, item.time, 3, 5, 7]
        if item.kind != "three steps":
            assert len(set(sizes)) == 5, item.kind
        assert item.feeds["x"].shape == (item.batch, item.time, 3)
    lengths = {item.time for item in sets}
    assert lengths == {6} if time else {1, 2, 3} < lengths
    assert max(item.batch * (item.time or 1) for item in sets) >= 7 * (5 + 7 + 1)


def test_states_start_away_from_zero_and_activations_are_not_saturated() -> None:
    net = altered(
        network((7,), state=True), "rnn0", kernel=40 * first_cell(network((7,))).kernel.read()
    )
    for item in design(net):
        assert np.abs(item.feeds["h0"]).min() > 0
        states = rehearse(net, item.feeds).parts[0].local.value
        if item.kind == "long":
            assert np.mean(np.abs(states) > 0.99) < 0.6
