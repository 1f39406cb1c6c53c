"""How many nodes a graph may have: the promise of form rnn, counted."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from rnn_export.exporters import export
from rnn_export.network import ArrayWeight, Draft, Network, Source
from rnn_export.network.ops import Embedding, Recurrent
from tests.unit.exporters.exact import cell, halves

RANDOM = np.random.default_rng(5)


def nodes(network: Network) -> Counter[str]:
    return Counter(node.op_type for node in export(network).model.graph.node)


def single(
    emits: tuple[str, ...], *, initial: bool = False, tokens: str = "", **options: bool
) -> Network:
    draft = Draft()
    if tokens:
        given = draft.input("tokens", ("batch", "time"), tokens)
        (x,) = draft.call("embedding", Embedding(ArrayWeight(halves(RANDOM, (7, 3)))), [given])
    else:
        x = draft.input("x", ("batch", "time", 3), "float32")
    start = [draft.input("h0", ("batch", 4), "float32")] if initial else []
    op = Recurrent((cell(RANDOM, 3, 4),), emits, **options)
    for k, made in enumerate(draft.call("rnn", op, [x], initial=start)):
        draft.output(f"rnn_{k}", made)
    return draft.finish(Source("python", "single"))


def stack(count: int, last: str = "output", embedded: bool = False) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    if embedded:
        draft = Draft()
        tokens = draft.input("tokens", ("batch", "time"), "int32")
        (x,) = draft.call("embedding", Embedding(ArrayWeight(halves(RANDOM, (7, 3)))), [tokens])
    features = 3
    for k in range(count):
        units = 4 + k
        op = Recurrent((cell(RANDOM, features, units),), (last if k == count - 1 else "sequence",))
        (x,) = draft.call(f"rnn_{k}", op, [x])
        features = units
    draft.output("end", x)
    return draft.finish(Source("python", "stack"))


@pytest.mark.parametrize("emit", ["sequence", "output", "state"])
@pytest.mark.parametrize("backwards", [False, True])
def test_one_layer_with_one_output_has_at_most_four_nodes(emit: str, backwards: bool) -> None:
    network = single((emit,), go_backwards=backwards, time_order=backwards)
    assert nodes(network).total() <= 4


def test_a_sequence_in_the_order_of_processing_takes_one_node_more() -> None:
    assert nodes(single(("sequence",), go_backwards=True)) == {
        "Transpose": 2,
        "RNN": 1,
        "Squeeze": 1,
        "Slice": 1,
    }


@pytest.mark.parametrize("emits", [("sequence", "state"), ("output", "state")])
def test_a_state_output_costs_one_node_more(emits: tuple[str, ...]) -> None:
    assert nodes(single(emits)).total() == nodes(single(emits[:1])).total() + 1


@pytest.mark.parametrize("emit", ["sequence", "output"])
def test_a_state_input_costs_one_node_more(emit: str) -> None:
    assert nodes(single((emit,), initial=True)).total() == nodes(single((emit,))).total() + 1


def test_float_tokens_cost_one_cast() -> None:
    assert nodes(single(("output",), tokens="float32")) == nodes(
        single(("output",), tokens="int32")
    ) + Counter(["Cast"])


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("embedded", [False, True])
def test_a_stack_has_one_rnn_and_one_squeeze_a_layer_and_two_transposes(
    count: int, embedded: bool
) -> None:
    wanted = {"RNN": count, "Squeeze": count, "Transpose": 2, **({"Gather": 1} if embedded else {})}
    assert nodes(stack(count, "sequence", embedded)) == wanted
    # The last output alone needs no way back to batch first.
    assert nodes(stack(count, "output", embedded)) == {**wanted, "Transpose": 1}


def test_nothing_is_written_that_no_output_depends_on() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    draft.call("dead", Recurrent((cell(RANDOM, 3, 4),)), [x])
    (y,) = draft.call("rnn", Recurrent((cell(RANDOM, 3, 4),)), [x])
    draft.output("rnn", y)
    assert nodes(draft.finish(Source("python", "dead")))["RNN"] == 1


def test_no_initializer_is_left_unread() -> None:
    model = export(stack(3, "sequence")).model
    read = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= read
